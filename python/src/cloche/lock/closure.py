"""From requirements to closures: walks a pool's edges for one target."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cloche.errors import ClocheError
from cloche.lock.groups import DEFAULT_GROUP, EXTRA_PREFIX
from cloche.lock.metadata import Metadata, MetadataReader
from cloche.lock.model import Package
from cloche.lock.pool import Candidate, File, Pool
from cloche.lock.select import ambiguous_version, choose_candidate, choose_file, missing_from_lock
from cloche.lock.target import Target

# Index servers answer in tens of milliseconds; more than this gains nothing and is rude.
_PARALLEL = 16


def wrong_python(what: str, bound: str, target: Target, remedy: str) -> ClocheError:
    """Return the error of a Python version that a project or package does not run on."""
    return ClocheError(f"{what} requires Python {bound}, but the lock is for {target}.\n{remedy}")


@dataclass(frozen=True)
class Chosen:
    """A package as chosen for a target."""

    candidate: Candidate
    file: File
    metadata: Metadata

    @property
    def edges(self) -> tuple[Requirement, ...]:
        """The lock's own edges, else those in the metadata."""
        known = self.candidate.dependencies
        return self.metadata.requires if known is None else known


@dataclass(frozen=True, kw_only=True)
class Need:
    """A requirement, who has it (for messages), and whether it is the project's own."""

    requirement: Requirement
    who: str
    is_root: bool

    @property
    def name(self) -> str:
        """The normalised name of what is needed."""
        return canonicalize_name(self.requirement.name)

    @property
    def extras(self) -> set[str]:
        """The extras asked for, and "" for the package itself."""
        return {"", *map(canonicalize_name, self.requirement.extras)}


@dataclass
class Closures:
    """The closures of several groups of requirements on one target, and the packages in them."""

    target: Target
    groups: dict[str, set[str]] = field(default_factory=dict)
    chosen: dict[str, Chosen] = field(default_factory=dict)
    extras: dict[str, set[str]] = field(default_factory=dict)

    def packages(self) -> dict[str, Package]:
        """Return the packages with their edges, markers applied for the extras in use."""
        return {name: self._package(name, chosen) for name, chosen in self.chosen.items()}

    def _package(self, name: str, chosen: Chosen) -> Package:
        extras = tuple(self.extras.get(name, ()))
        edges = {canonicalize_name(edge.name) for edge in chosen.edges if self.target.holds(edge.marker, extras)}
        # What the user left out, and the project itself, are no packages here; for any other the walk would have failed.
        return Package(
            version=chosen.candidate.version,
            file=chosen.file.name,
            sha256=str(chosen.file.sha256),
            size=int(chosen.file.size or 0),
            dependencies=tuple(sorted((edges & self.chosen.keys()) - {name})),
            license=chosen.metadata.license,
            build=None if chosen.file.is_wheel else f"{name}=={chosen.candidate.version}",
        )


@dataclass(frozen=True, kw_only=True)
class Walker:
    """Walks the edges of a `pool`; `project` is the name that stands for the groups themselves."""

    pool: Pool
    reader: MetadataReader
    project: str
    groups: Mapping[str, tuple[Requirement, ...]]
    sdists: frozenset[str] = frozenset()

    def walk(self, target: Target) -> Closures:
        """Return the closures of all groups on `target`.

        Raises ClocheError, and what reading metadata raises.
        """
        closures = Closures(target)
        for group, requirements in self.groups.items():
            closures.groups[group] = self._close(requirements, closures, group)
        return closures

    def refuse_unreached(self, closures: Closures) -> None:
        """Raise ClocheError where a resolution, made for no more than is needed, has what the walk did not reach."""
        extras = frozenset(group.removeprefix(EXTRA_PREFIX) for group in self.groups)
        left = {
            name
            for name, candidates in self.pool.candidates.items()
            if name not in closures.chosen
            and any(closures.target.admits(each.marker, extras, frozenset(self.groups)) for each in candidates)
        }
        if left:
            raise ClocheError(
                f"uv's resolution has {', '.join(sorted(left))} for {closures.target}, and no locked package's "
                "metadata requires it.\nIt would be missing from the lock. A package builds its metadata when it is "
                "built, or says it in a way that is\nnot understood here: require the missing one in pyproject.toml, "
                "or obey the uv.lock that `uv lock` makes."
            )

    def _close(self, roots: Iterable[Requirement], closures: Closures, group: str) -> set[str]:
        """Return the names in the closure of `roots`, walked in waves so that metadata arrives in parallel."""
        target = closures.target
        seen: set[tuple[str, str]] = set()
        wave = [
            Need(requirement=each, who=f"group {group!r}", is_root=True) for each in roots if target.holds(each.marker)
        ]
        while wave:
            self._choose_all(wave, closures)
            following: list[Need] = []
            for need in wave:
                fresh = {extra for extra in need.extras if (need.name, extra) not in seen}
                if not fresh or (need.name != self.project and need.name not in closures.chosen):
                    continue
                seen.update((need.name, extra) for extra in fresh)
                following.extend(self._next(need, fresh, closures))
            wave = following
        return {name for name, _ in seen} - {self.project}

    def _next(self, need: Need, extras: set[str], closures: Closures) -> list[Need]:
        target = closures.target
        if need.name == self.project:
            return [Need(requirement=each, who=need.who, is_root=True) for each in self._own(extras, target)]
        chosen = closures.chosen[need.name]
        closures.extras.setdefault(need.name, set()).update(extras - {""})
        edges = [edge for edge in chosen.edges if target.holds(edge.marker, tuple(extras))]
        return [Need(requirement=edge, who=str(chosen.candidate), is_root=False) for edge in edges]

    def _own(self, extras: Iterable[str], target: Target) -> list[Requirement]:
        """Return the project's own requirements with `extras`, as "name[extra]" asks for."""
        groups = [EXTRA_PREFIX + extra if extra else DEFAULT_GROUP for extra in extras]
        return [each for group in groups for each in self.groups.get(group, ()) if target.holds(each.marker)]

    def _choose_all(self, wave: Iterable[Need], closures: Closures) -> None:
        fresh: dict[str, Candidate] = {}
        for need in wave:
            candidate = self._candidate(need, closures.target)
            if candidate is None:
                continue
            former = closures.chosen.get(need.name)
            settled = former.candidate if former else fresh.setdefault(need.name, candidate)
            if settled.version != candidate.version:
                versions = {settled.version, candidate.version}
                raise ambiguous_version(self.pool.origin, need.name, versions, closures.target, need.who)
        with ThreadPoolExecutor(_PARALLEL) as executor:
            choices = executor.map(lambda candidate: self._choice(candidate, closures.target), fresh.values())
            closures.chosen.update(zip(fresh, choices, strict=True))

    def _candidate(self, need: Need, target: Target) -> Candidate | None:
        overridden = need.name in self.pool.overridden
        if need.name == self.project or (overridden and need.name not in self.pool.candidates):
            return None
        candidate = choose_candidate(self.pool, need.requirement, self.groups, target, need.who)
        fits = need.requirement.specifier.contains(candidate.version, prereleases=True)
        if need.is_root and not fits and not overridden:
            raise missing_from_lock(self.pool, need.requirement, target, need.who)
        return candidate

    def _choice(self, candidate: Candidate, target: Target) -> Chosen:
        if candidate.unsupported:
            raise ClocheError(
                f"{candidate.origin}: {candidate.name} comes from {candidate.unsupported}: "
                "unsupported because not addressable by name and hash.\n"
                f'Publish it on an index (a folder of wheels will do) and require "{candidate.name}=={candidate.version}".'
            )
        candidate = self.reader.complete(candidate)
        file = choose_file(candidate, target, sdist_only=candidate.name in self.sdists)
        file, metadata = self.reader.read(candidate, file)
        if metadata.fault and candidate.dependencies is None:
            raise ClocheError(
                f"{file.name}: {metadata.fault}.\n"
                "What it requires is not known, so it is not locked. Require another version of it, or replace what it says by\n"
                "dependency-metadata in [tool.uv] and obey the uv.lock that `uv lock` then makes."
            )
        for bound in (candidate.requires_python, metadata.requires_python):
            if bound and not target.meets(bound):
                remedy = "Require a version that runs on it, or leave this Python version out of the lock."
                raise wrong_python(str(candidate), bound, target, remedy)
        return Chosen(candidate, file, metadata)
