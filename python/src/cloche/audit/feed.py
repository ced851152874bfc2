"""Advisories in the OSV format (https://ossf.github.io/osv-schema/), from a folder of JSON or YAML files."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from cloche.audit import yaml_text
from cloche.errors import MISSHAPEN, ClocheError
from cloche.untrusted import regular_file, strict_json, walk
from cloche.untrusted.limits import ADVISORY

# Events of a range, with the part of the record's name that they have.
_EVENTS = ("introduced", "fixed", "last_affected", "limit")


@dataclass(frozen=True)
class Affected:
    """One package that a record is about: the ranges' events (kind, version) and the versions that it lists."""

    ecosystem: str
    name: str
    ranges: tuple[tuple[tuple[str, str], ...], ...]
    versions: tuple[str, ...]
    severities: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Advisory:
    """One record; `severities` are (type, vector)."""

    id: str
    aliases: frozenset[str]
    modified: datetime
    withdrawn: datetime | None
    summary: str
    severities: tuple[tuple[str, str], ...]
    affected: tuple[Affected, ...]

    def withdrawn_on(self, day: date) -> bool:
        """Return whether it was withdrawn on this day, or before; a day to come withdraws nothing yet."""
        return self.withdrawn is not None and self.withdrawn.date() <= day


@dataclass(frozen=True)
class Feed:
    """All records of a folder, sorted by id."""

    advisories: tuple[Advisory, ...]

    @property
    def newest(self) -> date:
        """The day of the newest change to a record, in UTC."""
        return max(advisory.modified for advisory in self.advisories).date()

    @property
    def ecosystems(self) -> frozenset[str]:
        """The ecosystems that at least one record is about, without a release's number."""
        return frozenset(part.ecosystem for advisory in self.advisories for part in advisory.affected)


def load(folder: Path) -> Feed:
    """Return the feed of a folder; every .json, .yaml and .yml file below it must be a record.

    Raises ClocheError for a folder without records and for a record that is not as the format says.
    """
    if not folder.is_dir():
        raise ClocheError(f"{folder}: there is no such folder of advisories")
    try:
        files = _files(folder)
    except OSError as error:
        raise ClocheError(f"{error.filename}: the folder of advisories cannot be listed: {error.strerror}") from error
    if not files:
        raise ClocheError(f"{folder}: there is no advisory in it (no file that ends in .json, .yaml or .yml)")
    found: dict[str, Advisory] = {}
    for path in files:
        try:
            data = regular_file.read(path, ADVISORY)
        except OSError as error:
            raise ClocheError(f"{path}: the advisory cannot be read: {error.strerror}") from error
        advisory = read(data, what=str(path.relative_to(folder)), as_yaml=path.suffix.lower() != ".json")
        if advisory.id in found:
            raise ClocheError(f"{path.relative_to(folder)}: {advisory.id} stands in another file too")
        found[advisory.id] = advisory
    return Feed(tuple(found[name] for name in sorted(found)))


def _files(folder: Path) -> list[Path]:
    files = []
    for path in walk.below(folder):
        if path.suffix.lower() in {".json", ".yaml", ".yml"}:
            files.append(path)
        elif path.is_symlink() and not path.is_file():
            # What is behind it would not be looked at, and the audit pass for it.
            raise ClocheError(f"{path}: a link to a folder, or to nothing, is not followed; give the folder itself")
    return files


def read(data: bytes, *, what: str, as_yaml: bool = False) -> Advisory:
    """Return one record; `what` names it in messages. Raises ClocheError."""
    parse = yaml_text.loads if as_yaml else strict_json.loads
    value = parse(data, what=what, limit=ADVISORY)
    try:
        return _advisory(value)
    except MISSHAPEN as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise ClocheError(f"{what} is not an advisory in the OSV format: {reason}") from error


def _advisory(value: Any) -> Advisory:  # noqa: ANN401 - JSON is of any shape
    if not isinstance(value, dict):
        message = "it is no object"
        raise TypeError(message)
    return Advisory(
        id=_text(value["id"], "id"),
        aliases=frozenset(_text(alias, "aliases") for alias in _list(value, "aliases")),
        modified=_time(value["modified"]),
        withdrawn=None if value.get("withdrawn") is None else _time(value["withdrawn"], "withdrawn"),
        summary=_text(value.get("summary") or value.get("details") or "", "summary"),
        severities=_severities(value),
        affected=tuple(_affected(part) for part in _list(value, "affected") if not _commits_only(part)),
    )


def _commits_only(part: dict[str, Any]) -> bool:
    """Return whether a part is about a repository and no package, so that it says nothing about any version."""
    types = {found["type"] for found in _list(part, "ranges")}
    return part.get("package") is None and types == {"GIT"} and not _list(part, "versions")


def _affected(part: dict[str, Any]) -> Affected:
    package = part["package"]
    return Affected(
        ecosystem=_ecosystem(_text(package["ecosystem"], "ecosystem")),
        name=_text(package["name"], "name"),
        ranges=tuple(
            tuple(_event(event) for event in _list(found, "events"))
            for found in _list(part, "ranges")
            # Commits of a repository say nothing about a version.
            if found["type"] != "GIT"
        ),
        versions=tuple(_text(version, "versions") for version in _list(part, "versions")),
        severities=_severities(part),
    )


def _ecosystem(name: str) -> str:
    """Return an ecosystem's name as the format spells it, with its release; PyPI has none."""
    base, colon, release = name.partition(":")
    known = {"pypi": "PyPI", "debian": "Debian"}.get(base.casefold(), base)
    return known if known == "PyPI" else known + colon + release


def _event(event: dict[str, Any]) -> tuple[str, str]:
    (pair,) = event.items()
    if pair[0] not in _EVENTS:
        message = f"{pair[0]!r} is no event of a range"
        raise ValueError(message)
    return pair[0], _text(pair[1], pair[0])


def _severities(value: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((_text(found["type"], "type"), _text(found["score"], "score")) for found in _list(value, "severity"))


def _time(value: Any, name: str = "modified") -> datetime:  # noqa: ANN401
    found = datetime.fromisoformat(_text(value, name))
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _list(value: dict[str, Any], name: str) -> list[Any]:
    """Return a list, which may be absent or null; a text in its place would be read letter by letter."""
    found = value.get(name)
    if found is not None and not isinstance(found, list):
        message = f"{name} is {found!r}, where a list is expected"
        raise TypeError(message)
    return found or []


def _text(value: Any, name: str) -> str:  # noqa: ANN401
    if not isinstance(value, str):
        message = f"{name} is {value!r}, where a text is expected"
        raise TypeError(message)
    return value
