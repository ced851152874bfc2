"""The systems and Python versions that a lock is for; nothing here asks the running interpreter."""

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property

from packaging.markers import Marker
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.version import Version

from cloche.errors import ClocheError

# The oldest C library that an environment meets: Debian 12's, of the embedded toolchain.
GLIBC_MINOR = 36
# PEP 600: the C library of the first manylinux tag for each architecture, and the older spellings.
_FIRST_GLIBC_MINOR = {"x86_64": 5, "aarch64": 17}
_OLD_SPELLINGS = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
SYSTEMS = {"x86_64-linux": "x86_64", "aarch64-linux": "aarch64"}
# The oldest Python that Cloche itself and its toolchains offer.
OLDEST_PYTHON_MINOR = 11
# No CPython minor version has had so many patch releases.
_PATCHES = range(100)


@dataclass(frozen=True)
class Target:
    """One system and one Python version, such as "x86_64-linux" and "3.11"."""

    system: str
    python: str

    def __post_init__(self) -> None:
        """Raise ClocheError."""
        if self.system not in SYSTEMS:
            raise ClocheError(
                f"{self.system!r} is not a system that Cloche can lock for.\nChoose from: {', '.join(SYSTEMS)}."
            )
        if not re.fullmatch(r"3\.\d{1,3}", self.python):
            raise ClocheError(f"{self.python!r} is not a Python version.\nGive major and minor, such as --python 3.11.")

    def __str__(self) -> str:
        """Return a text for messages."""
        return f"{self.system}, Python {self.python}"

    @property
    def machine(self) -> str:
        """The architecture as the kernel calls it."""
        return SYSTEMS[self.system]

    @property
    def minor(self) -> int:
        """The minor version of Python."""
        return int(self.python.split(".")[1])

    @cached_property
    def markers(self) -> dict[str, str]:
        """The PEP 508 environment, of the first patch release."""
        return self._markers(0)

    def _markers(self, patch: int) -> dict[str, str]:
        full = f"{self.python}.{patch}"
        return {
            "implementation_name": "cpython",
            "implementation_version": full,
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": full,
            "python_version": self.python,
            "sys_platform": "linux",
        }

    @property
    def marker(self) -> str:
        """A marker that is true on this target alone, for uv."""
        return (
            f"sys_platform == 'linux' and platform_machine == '{self.machine}' "
            f"and implementation_name == 'cpython' and python_version == '{self.python}'"
        )

    @cached_property
    def tags(self) -> dict[Tag, int]:
        """The tags of wheels that run here, each with its rank: 0 is the best."""
        version = (3, self.minor)
        platforms = list(_platforms(self.machine))
        abi = f"cp3{self.minor}"
        tags = [*cpython_tags(version, [abi], platforms), *compatible_tags(version, abi, platforms)]
        return {tag: rank for rank, tag in reversed(list(enumerate(tags)))}

    def holds(self, marker: Marker | None, extras: tuple[str, ...] = ()) -> bool:
        """Return whether `marker` is true here with any (or none) of `extras` asked for."""
        return marker is None or any(
            marker.evaluate({**markers, "extra": extra}) for markers in self._patches(marker) for extra in (*extras, "")
        )

    def admits(self, marker: Marker | None, extras: frozenset[str], groups: frozenset[str]) -> bool:
        """Return whether `marker`, of a package in a lock file, is true here when everything is asked for.

        PEP 751 has the sets `extras` and `dependency_groups` in such markers; Poetry writes `extra`.
        """
        if marker is None:
            return True
        asked: dict[str, str | AbstractSet[str]] = {"extras": extras, "dependency_groups": groups}
        return any(
            marker.evaluate({**markers, **asked, "extra": extra}, "lock_file")
            for markers in self._patches(marker)
            for extra in ("", *sorted(extras))
        )

    def _patches(self, marker: Marker) -> Iterator[dict[str, str]]:
        """Yield the environments that the marker can tell apart: which patch release will run is not known.

        So a backport that is wanted "before 3.11.3" is in the lock, and harmless after it; so is what is wanted from
        3.11.4 on.
        """
        text = str(marker)
        several = "python_full_version" in text or "implementation_version" in text
        yield from map(self._markers, _PATCHES if several else _PATCHES[:1])

    def meets(self, requires_python: str | None) -> bool:
        """Return whether some patch release of this Python is within `requires_python`."""
        if not requires_python:
            return True
        bound = SpecifierSet(requires_python)
        return any(bound.contains(Version(f"{self.python}.{patch}")) for patch in _PATCHES)


def lowest_python(requires_python: str) -> str:
    """Return the lowest Python that Cloche offers and `requires_python` admits.

    When it admits none, the oldest on offer is returned, and locking reports the bound.
    """
    for minor in range(OLDEST_PYTHON_MINOR, OLDEST_PYTHON_MINOR + 100):
        if Target("x86_64-linux", f"3.{minor}").meets(requires_python):
            return f"3.{minor}"
    return f"3.{OLDEST_PYTHON_MINOR}"


def _platforms(machine: str) -> Iterator[str]:
    for minor in range(GLIBC_MINOR, _FIRST_GLIBC_MINOR[machine] - 1, -1):
        yield f"manylinux_2_{minor}_{machine}"
        if minor in _OLD_SPELLINGS:
            yield f"{_OLD_SPELLINGS[minor]}_{machine}"
    yield f"linux_{machine}"
