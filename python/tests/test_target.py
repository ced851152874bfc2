"""Targets: their markers and tags do not depend on the running interpreter."""

import sys

import pytest
from packaging.markers import Marker
from packaging.tags import Tag

from cloche.lock.target import Target, lowest_python


def test_tags_are_those_of_the_target() -> None:
    tags = Target("aarch64-linux", "3.13").tags
    assert tags[Tag("cp313", "cp313", "manylinux_2_36_aarch64")] == 0
    assert tags[Tag("cp313", "cp313", "manylinux_2_17_aarch64")] < tags[Tag("cp311", "abi3", "manylinux_2_17_aarch64")]
    assert tags[Tag("cp311", "abi3", "manylinux2014_aarch64")] < tags[Tag("py3", "none", "any")]
    for absent in (
        Tag("cp313", "cp313", "manylinux_2_37_aarch64"),
        Tag("cp313", "cp313", "manylinux_2_16_aarch64"),
        Tag("cp313", "cp313", "manylinux_2_28_x86_64"),
        Tag("cp313", "cp313t", "manylinux_2_28_aarch64"),
        Tag("cp314", "abi3", "manylinux_2_28_aarch64"),
        Tag("cp313", "cp313", "musllinux_1_2_aarch64"),
    ):
        assert absent not in tags


def test_the_oldest_spellings_are_those_of_x86_64() -> None:
    assert Tag("cp311", "cp311", "manylinux1_x86_64") in Target("x86_64-linux", "3.11").tags


@pytest.mark.parametrize(
    ("marker", "extras", "expected"),
    [
        ("python_version == '3.99'", (), True),
        ("platform_machine == 'aarch64' and sys_platform == 'linux'", (), True),
        ("platform_machine == 'x86_64'", (), False),
        ("extra == 'fast'", (), False),
        ("extra == 'fast'", ("slow", "fast"), True),
        ("extra != 'fast'", ("fast",), True),
        ("platform_python_implementation == 'PyPy' or implementation_name == 'pypy'", (), False),
    ],
)
def test_markers(marker: str, extras: tuple[str, ...], *, expected: bool) -> None:
    assert sys.version_info < (3, 99)
    assert Target("aarch64-linux", "3.99").holds(Marker(marker), extras) is expected


def test_markers_of_lock_files() -> None:
    target = Target("x86_64-linux", "3.11")
    groups = frozenset({"dev"})
    assert target.admits(Marker("'dev' in dependency_groups"), frozenset(), groups)
    assert not target.admits(Marker("'test' in dependency_groups"), frozenset(), groups)
    assert target.admits(Marker("'plot' in extras"), frozenset({"plot"}), groups)
    assert target.admits(Marker("extra == 'plot'"), frozenset({"plot"}), groups)
    assert not target.admits(Marker("extra == 'plot'"), frozenset(), groups)


@pytest.mark.parametrize(
    ("requires_python", "expected"),
    [("", "3.11"), (">=3.8", "3.11"), (">=3.12.4", "3.12"), (">3.13,<4", "3.13"), ("<3", "3.11"), ("==3.14.*", "3.14")],
)
def test_lowest_python(requires_python: str, expected: str) -> None:
    assert lowest_python(requires_python) == expected
