"""Whether an advisory is about a version, by OSV's evaluation (https://ossf.github.io/osv-schema/#evaluation).

What cannot be decided counts as affected: a bound that is no version of the ecosystem, or a record that names a package
and gives neither a range of versions nor a list.
"""

from collections.abc import Callable
from typing import Any

from packaging.version import InvalidVersion, Version

from cloche.audit import debian_version
from cloche.audit.components import Listed, normalised
from cloche.audit.feed import Affected

Order = Callable[[str], Any]
# What sorts before every version, and behind every one.
_START, _END = "0", "*"


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


def covered(component: Listed, ecosystems: frozenset[str]) -> bool:
    """Return whether a feed that has these ecosystems says anything about packages of this one's kind."""
    return component.ecosystem is not None and bool(
        {component.ecosystem, component.ecosystem.partition(":")[0]} & ecosystems
    )


def affects(affected: Affected, version: str) -> str | None:
    """Return how a version is affected, in words, or None."""
    order = _order(affected)
    try:
        wanted = order(version)
    except ValueError:
        return f"{version!r} is no version of {affected.ecosystem}, so nothing is known about it"
    found = _affects(affected, version, order, wanted)
    if found is None and isinstance(wanted, Version) and wanted.local and not _speaks_of_builds(affected):
        # 2.1.0+cpu is another build of 2.1.0, which is what a record speaks of that knows no such builds.
        found = _affects(affected, wanted.public, order, order(wanted.public))
    return found


def _speaks_of_builds(affected: Affected) -> bool:
    bounds = [bound for events in affected.ranges for _, bound in events]
    return any("+" in text for text in (*affected.versions, *bounds))


def _affects(affected: Affected, version: str, order: Order, wanted: Any) -> str | None:  # noqa: ANN401 - as below
    if not affected.ranges and not affected.versions:
        return "the record gives no versions"
    for listed in affected.versions:
        if listed == version or _same(order, listed, wanted):
            return f"version {listed} is listed"
    for events in affected.ranges:
        try:
            if _in_range(order, wanted, events):
                return _words(events)
        except ValueError as error:
            return f"the range cannot be evaluated: {error}"
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


def _same(order: Order, listed: str, wanted: Any) -> bool:  # noqa: ANN401 - each ecosystem has its own kind of version
    try:
        return bool(order(listed) == wanted)
    except ValueError:
        # An old spelling in a list; nothing that is installed has it.
        return False


def _in_range(order: Order, wanted: Any, events: tuple[tuple[str, str], ...]) -> bool:  # noqa: ANN401
    if not any(kind == "introduced" for kind, _ in events):
        message = "it does not say in which version it begins"
        raise ValueError(message)
    limits = [bound for kind, bound in events if kind == "limit"]
    if limits and not any(bound == _END or wanted < order(bound) for bound in limits):
        return False
    # Introduced comes first among equals: a version that is introduced and fixed at once is fixed.
    rank = {"introduced": 0, "fixed": 1, "last_affected": 2}
    bounds = sorted(
        (event for event in events if event[0] != "limit"),
        key=lambda event: (event[1] != _START, order(event[1]), rank[event[0]]),
    )
    inside = False
    for kind, bound in bounds:
        if kind == "introduced":
            inside = inside or bound == _START or wanted >= order(bound)
        elif (kind == "fixed" and wanted >= order(bound)) or (kind == "last_affected" and wanted > order(bound)):
            inside = False
    return inside


def _words(events: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(f"{kind.replace('_', ' ')} {bound}" for kind, bound in events)
