"""Whether an advisory is about a version, by OSV's evaluation (https://ossf.github.io/osv-schema/#evaluation).

What cannot be decided counts as affected: a bound that is no version of the ecosystem, or a record that names a package
and gives neither a range of versions nor a list.
"""

import re
from collections.abc import Callable
from functools import partial
from itertools import groupby
from typing import Any

from packaging.version import InvalidVersion, Version

from cloche.audit import debian_version
from cloche.audit.components import Listed, normalised
from cloche.audit.feed import Affected

Order = Callable[[str], Any]
# What sorts before every version, and behind every one.
_START, _END = "0", "*"
# What a version was ever written as, before there were rules too; an expression in a list of versions is none.
_VERSION = re.compile(r"[\w.!+~:-]+")
_ANY = {"all", "any"}


def about(component: Listed, affected: Affected) -> bool:
    """Return whether a record's part is about this package, whatever the version."""
    if component.ecosystem is None:
        return False
    if component.ecosystem == "PyPI":
        return affected.ecosystem == "PyPI" and normalised(affected.name) == component.package
    # "Debian" alone is about every release.
    return affected.ecosystem in {component.ecosystem, component.ecosystem.partition(":")[0]} and (
        affected.name == component.package
    )


def affects(affected: Affected, version: str) -> str | None:
    """Return how a version is affected, in words, or None."""
    order = _order(affected)
    try:
        wanted = order(version)
    except ValueError:
        return f"{version!r} is no version of {affected.ecosystem}, so nothing is known about it"
    found = _affects(affected, version, order, wanted)
    if found is None and isinstance(wanted, Version) and wanted.local and not _speaks_of_builds(affected, wanted):
        # 2.1.0+cpu is another build of 2.1.0, which is what a record speaks of that knows no such builds.
        found = _affects(affected, wanted.public, order, order(wanted.public))
    return found


def _speaks_of_builds(affected: Affected, wanted: Version) -> bool:
    """Return whether a record tells builds of this version apart."""
    bounds = [bound for events in affected.ranges for _, bound in events]
    return any(Version(text).public == wanted.public for text in (*affected.versions, *bounds) if _local(text))


def _local(text: str) -> bool:
    try:
        return Version(text).local is not None
    except InvalidVersion:
        return False


def _affects(affected: Affected, version: str, order: Order, wanted: Any) -> str | None:  # noqa: ANN401 - as below
    if not affected.ranges and not affected.versions:
        return "the record gives no versions"
    if listed := _is_listed(affected, version, order, wanted):
        return listed
    for events in affected.ranges:
        try:
            if _in_range(order, wanted, events):
                return _words(events)
        except ValueError as error:
            return f"the range cannot be evaluated: {error}"
    return None


def _is_listed(affected: Affected, version: str, order: Order, wanted: Any) -> str | None:  # noqa: ANN401 - as below
    for listed in affected.versions:
        if listed == version or _same(order, listed, wanted):
            return f"version {listed} is listed"
        if not _VERSION.fullmatch(listed) or listed.casefold() in _ANY:
            return f"{listed!r} is listed, which is no version, so it could be about any"
    if not affected.ranges and not any(map(partial(_is_version, order), affected.versions)):
        return f"none of the versions that are listed is one of {affected.ecosystem}, so nothing is known about it"
    return None


def fixed_in(affected: Affected, version: str) -> list[str]:
    """Return the versions that the record says are fixed and that come after this one, in order."""
    order = _order(affected)
    found = set()
    for kind, bound in (event for events in affected.ranges for event in events):
        try:
            if kind == "fixed" and order(bound) > order(version):
                found.add(bound)
        except ValueError:
            continue
    return sorted(found, key=order)


def _order(affected: Affected) -> Order:
    return _pypi if affected.ecosystem == "PyPI" else debian_version.key


def _pypi(version: str) -> Version:
    try:
        return Version(version)
    except InvalidVersion as error:
        message = f"{version!r} is no version by PEP 440"
        raise ValueError(message) from error


def _is_version(order: Order, text: str) -> bool:
    try:
        order(text)
    except ValueError:
        return False
    return True


def _same(order: Order, listed: str, wanted: Any) -> bool:  # noqa: ANN401 - each ecosystem has its own kind of version
    # An old spelling in a list is none; nothing that is installed has it.
    return _is_version(order, listed) and bool(order(listed) == wanted)


def _in_range(order: Order, wanted: Any, events: tuple[tuple[str, str], ...]) -> bool:  # noqa: ANN401
    if not any(kind == "introduced" for kind, _ in events):
        message = "it does not say in which version it begins"
        raise ValueError(message)
    limits = [bound for kind, bound in events if kind == "limit"]
    if limits and not any(bound == _END or wanted < order(bound) for bound in limits):
        return False

    def place(event: tuple[str, str]) -> tuple[bool, Any]:
        return event[1] != _START, order(event[1])

    inside = False
    bounds = sorted((event for event in events if event[0] != "limit"), key=place)
    for (later, bound), at_once in groupby(bounds, key=place):
        kinds = {kind for kind, _ in at_once}
        begins = "introduced" in kinds and (not later or wanted >= bound)
        ends = ("fixed" in kinds and wanted >= bound) or ("last_affected" in kinds and wanted > bound)
        # What ends and begins again at one version goes on; what begins and ends at once never was.
        inside = begins or not ends if inside else begins and not ends
    return inside


def _words(events: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(f"{kind.replace('_', ' ')} {bound}" for kind, bound in events)
