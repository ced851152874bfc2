"""Which version and which file of a package a target gets."""

from collections.abc import Collection, Iterable

from packaging.requirements import Requirement
from packaging.utils import BuildTag, InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from cloche.errors import ClocheError
from cloche.lock.groups import EXTRA_PREFIX
from cloche.lock.pool import Candidate, File, Pool
from cloche.lock.target import Target


def no_file(candidate: Candidate, target: Target, *, sdist_only: bool) -> ClocheError:
    """Return the error of a package without a wheel or sdist for a target."""
    wanted = "no sdist, which --sdist asked for," if sdist_only else "no wheel and no sdist"
    files = "".join(f"\n  {name}" for name in sorted(file.name for file in candidate.files)) or "\n  (none)"
    return ClocheError(
        f"{candidate} has {wanted} for {target}. Its files are:{files}\n"
        "Require a version that has one, or leave this system or Python version out of the lock."
    )


def ambiguous_version(origin: str, name: str, versions: Iterable[str], target: Target, who: str) -> ClocheError:
    """Return the error of a lock that offers several versions of one package for one target."""
    return ClocheError(
        f"{origin} has several versions of {name} for {target}: {', '.join(sorted(versions))} (needed by {who}).\n"
        "One environment holds one version. Make the requirements agree, or split the project."
    )


def missing_from_lock(pool: Pool, requirement: Requirement, target: Target, who: str) -> ClocheError:
    """Return the error of a lock that lacks a package which is needed."""
    return ClocheError(
        f"{pool.origin} has no {str(requirement).partition(';')[0].strip()!r} for {target}, which {who} needs.\n"
        f"The lock is older than what it was made from. {pool.remedy}"
    )


def choose_candidate(
    pool: Pool, requirement: Requirement, groups: Collection[str], target: Target, who: str
) -> Candidate:
    """Return the one version of what is required that is meant for `target`.

    `groups` are the project's, for markers that ask about them. Raises ClocheError.
    """
    name = canonicalize_name(requirement.name)
    extras = frozenset(group.removeprefix(EXTRA_PREFIX) for group in groups if group.startswith(EXTRA_PREFIX))
    others = frozenset(group for group in groups if not group.startswith(EXTRA_PREFIX))
    found = [each for each in pool.candidates.get(name, ()) if target.admits(each.marker, extras, others)]
    if len(found) > 1:
        fitting = [each for each in found if requirement.specifier.contains(each.version, prereleases=True)]
        found = fitting or found
    if not found:
        raise missing_from_lock(pool, requirement, target, who)
    if len({candidate.version for candidate in found}) > 1:
        raise ambiguous_version(pool.origin, name, {each.version for each in found}, target, who)
    return found[0]


def choose_file(candidate: Candidate, target: Target, *, sdist_only: bool = False) -> File:
    """Return the best compatible wheel, else the sdist; raises ClocheError."""
    if not sdist_only:
        ranked = [(rank, file) for file in candidate.files if (rank := _rank(file, target))]
        if ranked:
            return min(ranked, key=lambda pair: pair[0])[1]
    sdists = [file for file in candidate.files if not file.is_wheel]
    if not sdists:
        raise no_file(candidate, target, sdist_only=sdist_only)
    return min(sdists, key=lambda file: (not file.name.endswith(".tar.gz"), file.name))


def _rank(file: File, target: Target) -> tuple[int, tuple[int, str], str] | None:
    """Return a sort key, the best first: tag, then the highest build number, then the name."""
    if not file.is_wheel:
        return None
    try:
        _, _, build, tags = parse_wheel_filename(file.name)
    except InvalidWheelFilename:
        return None
    ranks = [target.tags[tag] for tag in tags if tag in target.tags]
    return (min(ranks), _descending(build), file.name) if ranks else None


def _descending(build: BuildTag) -> tuple[int, str]:
    return (-build[0], build[1]) if build else (0, "")
