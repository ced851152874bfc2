"""What an audit accepts: ceilings, ignores with a reason and an end, and licences, from a TOML file."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from cloche.audit.severity import Level
from cloche.errors import ClocheError
from cloche.untrusted import regular_file, strict_json, toml
from cloche.untrusted.limits import POLICY

_STATES = ("in_triage", "not_affected", "false_positive", "exploitable")
_JUSTIFICATIONS = (
    "code_not_present",
    "code_not_reachable",
    "requires_configuration",
    "requires_dependency",
    "requires_environment",
    "protected_by_compiler",
    "protected_at_runtime",
    "protected_at_perimeter",
    "protected_by_mitigating_control",
)


class PolicyError(ClocheError):
    """A policy that cannot be used; the message names the file, the key and the value."""


@dataclass(frozen=True)
class Ignore:
    """One vulnerability that is known and left, until a day; `package` None means every package."""

    id: str
    reason: str
    expires: date
    package: str | None = None
    state: str = "in_triage"
    justification: str | None = None


@dataclass(frozen=True)
class Policy:
    """What is accepted; the defaults accept nothing.

    `ceiling` is the highest severity that passes, `unknown` the level that an unknown severity counts as, `maximum_age`
    the days that the newest advisory may be old.
    """

    ceiling: Level = Level.none
    unknown: Level = Level.unknown
    maximum_age: int = 30
    not_audited: str = "report"
    denied: tuple[str, ...] = ()
    permitted: tuple[str, ...] = ()
    unknown_license: str = "report"
    ignores: tuple[Ignore, ...] = ()


def load(path: Path) -> Policy:
    """Return the policy in a TOML file, or in a JSON file with the same keys. Raises PolicyError, BadTomlError or BadJsonError."""
    try:
        data = regular_file.read(path, POLICY)
    except OSError as error:
        message = f"{path}: the policy cannot be read: {error.strerror}"
        raise PolicyError(message) from error
    read = strict_json.loads if path.suffix == ".json" else toml.loads
    return parse(read(data, what=str(path), limit=POLICY), what=str(path))


def parse(value: Any, *, what: str) -> Policy:  # noqa: ANN401 - TOML is of any shape
    """Return the policy of a table; `what` names it in messages. Raises PolicyError."""
    reader = _Reader(what)
    table = reader.table(value, "the policy", {"vulnerabilities", "licenses", "ignore"})
    found = reader.table(
        table.get("vulnerabilities", {}),
        "vulnerabilities",
        {"ceiling", "unknown-severity", "maximum-age", "not-audited"},
    )
    licenses = reader.table(table.get("licenses", {}), "licenses", {"denied", "permitted", "unknown"})
    levels = [level.name for level in Level if level is not Level.unknown]
    ignores = table.get("ignore", [])
    if not isinstance(ignores, list):
        reader.fail(f"ignore is {ignores!r}; write each as [[ignore]]")
    age = found.get("maximum-age", Policy.maximum_age)
    if not isinstance(age, int) or isinstance(age, bool) or age < 0:
        reader.fail(f"vulnerabilities.maximum-age is {age!r}, where a number of days is expected")
    return Policy(
        ceiling=Level[reader.choice(found, "vulnerabilities.ceiling", levels, Policy.ceiling.name)],
        unknown=Level[
            reader.choice(found, "vulnerabilities.unknown-severity", [*levels, "unknown"], Policy.unknown.name)
        ],
        maximum_age=age,
        not_audited=reader.choice(found, "vulnerabilities.not-audited", ["report", "fail"], Policy.not_audited),
        denied=reader.texts(licenses, "licenses.denied"),
        permitted=reader.texts(licenses, "licenses.permitted"),
        unknown_license=reader.choice(licenses, "licenses.unknown", ["report", "fail"], Policy.unknown_license),
        ignores=tuple(_ignore(reader, entry, number) for number, entry in enumerate(ignores, start=1)),
    )


def _ignore(reader: "_Reader", value: Any, number: int) -> Ignore:  # noqa: ANN401
    where = f"ignore {number}"
    table = reader.table(value, where, {"id", "reason", "expires", "package", "state", "justification"})
    for name in ("id", "reason", "expires"):
        if table.get(name) in (None, ""):
            reader.fail(f"{where} has no {name}; an ignore needs an id, a reason and the day on which it expires")
    for name in ("id", "reason", "package"):
        if not isinstance(table.get(name, ""), str):
            reader.fail(f"{where}.{name} is {table[name]!r}, where a text is expected")
    state = reader.choice(table, f"{where}.state", list(_STATES), Ignore.state)
    justification = table.get("justification")
    if justification is not None:
        reader.choice(table, f"{where}.justification", list(_JUSTIFICATIONS), "")
    if (state == "not_affected") != (justification is not None):
        reader.fail(
            f'{where}: the state "not_affected", and only that, needs a justification ({", ".join(_JUSTIFICATIONS)})'
        )
    return Ignore(
        id=table["id"],
        reason=table["reason"],
        expires=reader.day(table["expires"], f"{where}.expires"),
        package=table.get("package"),
        state=state,
        justification=justification,
    )


class _Reader:
    """Takes values out of tables, and names what it does not understand."""

    def __init__(self, what: str) -> None:
        self.what = what

    def fail(self, text: str) -> None:
        message = f"{self.what}: {text}"
        raise PolicyError(message)

    def table(self, value: Any, name: str, keys: set[str]) -> dict[str, Any]:  # noqa: ANN401
        if not isinstance(value, dict):
            self.fail(f"{name} is {value!r}, where a table is expected")
        if unknown := sorted(value.keys() - keys):
            self.fail(f"{name} has the unknown key {unknown[0]!r}; the keys are {', '.join(sorted(keys))}")
        return {str(key): entry for key, entry in value.items()}

    def choice(self, table: dict[str, Any], name: str, choices: list[str], default: str) -> str:
        value = table.get(name.rpartition(".")[2], default)
        if value not in choices:
            self.fail(f"{name} is {json.dumps(value, default=str)}; it is one of {', '.join(choices)}")
        return str(value)

    def texts(self, table: dict[str, Any], name: str) -> tuple[str, ...]:
        value = table.get(name.rpartition(".")[2], [])
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            self.fail(f"{name} is {value!r}, where a list of texts is expected")
        return tuple(value)

    def day(self, value: Any, name: str) -> date:  # noqa: ANN401
        if type(value) is date:
            return value
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError):
            self.fail(f'{name} is {value!r}, where a day is expected, such as "2026-12-31"')
            raise
