"""What a third-party lock, or uv's resolution, offers to choose from; the same for every format."""

from dataclasses import dataclass, field

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cloche.errors import ClocheError
from cloche.lock.names import check_file_name, name_and_version


@dataclass(frozen=True, order=True)
class File:
    """A wheel or sdist. `sha256` and `size` (bytes) are None where the lock does not say them."""

    name: str
    sha256: str | None = None
    size: int | None = None

    @property
    def is_wheel(self) -> bool:
        """Whether it is a wheel; else it is an sdist."""
        return self.name.endswith(".whl")


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One version of one package.

    `files` may be empty when `hashes` are all that is known (requirements.txt). `dependencies` is
    None when they have to be read from the chosen file's own metadata. `marker` says where this
    version is meant. `unsupported` is why it cannot be locked, with what to do.
    """

    name: str
    version: str
    files: tuple[File, ...] = ()
    hashes: frozenset[str] = frozenset()
    dependencies: tuple[Requirement, ...] | None = None
    marker: Marker | None = None
    requires_python: str | None = None
    unsupported: str | None = None
    origin: str = ""

    def __str__(self) -> str:
        """Return name and version."""
        return f"{self.name} {self.version}"


@dataclass(frozen=True)
class Pool:
    """All candidates of one lock.

    `origin` is the lock's file name, `remedy` how to make it anew, and `overridden` the names whose
    requirements the user replaced or removed, so that metadata may differ from the lock.
    """

    origin: str
    remedy: str
    candidates: dict[str, list[Candidate]] = field(default_factory=dict)
    overridden: frozenset[str] = frozenset()

    def add(self, candidate: Candidate) -> None:
        """Add a candidate under its name."""
        self.candidates.setdefault(candidate.name, []).append(candidate)


def checked_file(
    name: str, package: str, origin: str, sha256: str | None = None, size: int | None = None
) -> File | None:
    """Return the file called `name`, or None for a kind that no installer takes (eggs, installers).

    Raises ClocheError.
    """
    check_file_name(name, origin)
    if not name.endswith((".whl", ".tar.gz", ".zip", ".tgz", ".tar.bz2", ".tar.xz")):
        return None
    found = name_and_version(name, package)
    if found is None or found[0] != canonicalize_name(package):
        raise ClocheError(
            f"{origin}: {name!r} is listed for {package}, but is not the name of a wheel or sdist of it.\n"
            "Make that lock again with the tool that wrote it."
        )
    return File(name, sha256, size)
