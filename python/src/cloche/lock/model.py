"""The data of cloche.lock and its one canonical form.

The schema (version 1) is described in `docs/`; `lib/lock/default.nix` reads the same file.
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from cloche.errors import MISSHAPEN, ClocheError
from cloche.lock.names import check_file_name
from cloche.lock.text import malformed, parse_json

LOCK_VERSION = 1
LOCK_NAME = "cloche.lock"
_SHA256 = re.compile(r"[0-9a-f]{64}")


def unsupported_lock_version(file: Path, version: object, known: str, remedy: str) -> ClocheError:
    """Return the error of a lock file of a format version that this Cloche does not know."""
    return ClocheError(f"{file}: lock version {version!r} is not supported (known: {known}).\n{remedy}")


@dataclass(frozen=True, kw_only=True)
class Package:
    """One file of one package, chosen for one system and Python version."""

    version: str
    file: str
    sha256: str
    size: int
    dependencies: tuple[str, ...] = ()
    license: str | None = None
    build: str | None = None

    @property
    def is_wheel(self) -> bool:
        """Whether the file can be installed without building."""
        return self.file.endswith(".whl")

    def as_json(self) -> dict[str, Any]:
        """Return the package as in cloche.lock."""
        data: dict[str, Any] = {
            "version": self.version,
            "file": self.file,
            "sha256": self.sha256,
            "size": self.size,
            "dependencies": sorted(self.dependencies),
            "license": self.license,
        }
        if self.build is not None:
            data["build"] = self.build
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any], origin: str) -> Self:
        """Return the package, or raise ClocheError, KeyError or ValueError."""
        for key in ("version", "file", "sha256"):
            _check(data[key], str, key)
        _check(data["size"], int, "size")
        for key in ("license", "build"):
            _check(data.get(key), str | None, key)
        if not _SHA256.fullmatch(data["sha256"]):
            message = f"{data['file']}: {data['sha256']!r} is not a sha256 in hexadecimal"
            raise ValueError(message)
        return cls(
            version=data["version"],
            file=check_file_name(data["file"], origin),
            sha256=data["sha256"],
            size=data["size"],
            dependencies=_texts(data["dependencies"], "dependencies"),
            license=data["license"],
            build=data.get("build"),
        )


@dataclass(frozen=True, kw_only=True)
class BuildEnvironment:
    """What a PEP 517 build of one sdist needs: its backend and exact packages."""

    backend: str
    requires: tuple[str, ...]
    packages: dict[str, Package]

    def as_json(self) -> dict[str, Any]:
        """Return the build environment as in cloche.lock."""
        return {
            "backend": self.backend,
            "requires": sorted(self.requires),
            "packages": {name: package.as_json() for name, package in self.packages.items()},
        }

    @classmethod
    def from_json(cls, data: dict[str, Any], origin: str) -> Self:
        """Return the build environment; raises as `Package.from_json` does."""
        return cls(
            backend=_check(data["backend"], str, "backend"),
            requires=_texts(data["requires"], "requires"),
            packages=_packages(data["packages"], origin),
        )


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Everything that is locked for one system and one Python version."""

    groups: dict[str, tuple[str, ...]]
    packages: dict[str, Package]
    builds: dict[str, BuildEnvironment]

    def files(self) -> dict[str, Package]:
        """Return every file of the environment and of its builds, by sha256."""
        found = list(self.packages.values())
        for build in self.builds.values():
            found.extend(build.packages.values())
        return {package.sha256: package for package in found}

    def as_json(self) -> dict[str, Any]:
        """Return the environment as in cloche.lock."""
        return {
            "groups": {name: sorted(closure) for name, closure in self.groups.items()},
            "packages": {name: package.as_json() for name, package in self.packages.items()},
            "builds": {key: build.as_json() for key, build in self.builds.items()},
        }

    @classmethod
    def from_json(cls, data: dict[str, Any], origin: str) -> Self:
        """Return the environment; raises as `Package.from_json` does."""
        return cls(
            groups={name: _texts(closure, name) for name, closure in data["groups"].items()},
            packages=_packages(data["packages"], origin),
            builds={key: BuildEnvironment.from_json(build, origin) for key, build in data["builds"].items()},
        )


@dataclass(frozen=True, kw_only=True)
class Lock:
    """The whole of cloche.lock."""

    project: str
    requires_python: str
    made_from: dict[str, str]
    sdists: tuple[str, ...] = ()
    # Roles of the toolchain that the configuration uses; the lock has them so that `fetch` knows what to bring.
    roles: tuple[str, ...] = ()
    environments: dict[str, dict[str, Environment]] = field(default_factory=dict)

    @property
    def systems(self) -> tuple[str, ...]:
        """The systems locked for, such as "x86_64-linux"."""
        return tuple(sorted(self.environments))

    @property
    def pythons(self) -> tuple[str, ...]:
        """The Python versions locked for, such as "3.11", in their own order."""
        found = {python for pythons in self.environments.values() for python in pythons}
        return tuple(sorted(found, key=lambda python: tuple(map(int, python.split(".")))))

    def each(self) -> list[tuple[str, str, Environment]]:
        """Return (system, python, environment), sorted by system and version."""
        return [
            (system, python, self.environments[system][python])
            for system in self.systems
            for python in self.pythons
            if python in self.environments[system]
        ]

    def dumps(self) -> str:
        """Return the canonical text: sorted keys, indent 1, one newline at the end."""
        data = {
            "version": LOCK_VERSION,
            "project": self.project,
            "requires-python": self.requires_python,
            "made-from": self.made_from,
            "sdists": sorted(self.sdists),
            "roles": sorted(self.roles),
            "environments": {
                system: {python: environment.as_json() for python, environment in pythons.items()}
                for system, pythons in self.environments.items()
            },
        }
        return json.dumps(data, sort_keys=True, indent=1, ensure_ascii=False) + "\n"


def read_lock(path: Path) -> Lock:
    """Return the lock that is in the file `path`.

    Raises ClocheError.
    """
    data = parse_json(path)
    version = data.get("version") if isinstance(data, dict) else None
    if version != LOCK_VERSION:
        remedy = "Use the Cloche that wrote it, or delete the file and run `cloche lock`."
        raise unsupported_lock_version(path, version, str(LOCK_VERSION), remedy)
    try:
        return Lock(
            project=_check(data["project"], str, "project"),
            requires_python=_check(data["requires-python"], str, "requires-python"),
            made_from=dict(data["made-from"]),
            sdists=_texts(data["sdists"], "sdists"),
            # Locks made before there were roles are read, and written anew with them.
            roles=_texts(data.get("roles", []), "roles"),
            environments={
                system: {python: Environment.from_json(value, path.name) for python, value in pythons.items()}
                for system, pythons in data["environments"].items()
            },
        )
    except KeyError as error:
        raise malformed(path, f"the key {error.args[0]!r} is missing", LOCK_REMEDY) from error
    except MISSHAPEN as error:
        raise malformed(path, str(error), LOCK_REMEDY) from error


LOCK_REMEDY = "Restore the file from version control, or delete it and run `cloche lock`."


def _check(value: Any, kind: Any, name: str) -> Any:  # noqa: ANN401 - JSON is of any shape
    """Return a value of this type; raises TypeError for another."""
    if not isinstance(value, kind) or isinstance(value, bool):
        message = f"{name} is {value!r:.80}, which is of another type"
        raise TypeError(message)
    return value


def _texts(value: Any, name: str) -> tuple[str, ...]:  # noqa: ANN401 - as above
    """Return a list of texts; raises TypeError for another value."""
    return tuple(_check(text, str, name) for text in _check(value, list, name))


def _packages(data: dict[str, Any], origin: str) -> dict[str, Package]:
    return {name: Package.from_json(value, origin) for name, value in data.items()}
