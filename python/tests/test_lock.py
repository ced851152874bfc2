"""`cloche lock` without a third-party lock: uv resolves, from a local index."""

import json
import subprocess
from pathlib import Path

import pytest

from cloche.lock.project import digest
from conftest import Workplace
from local_index import sha256

TWO_SYSTEMS = ("--system", "x86_64-linux", "--system", "aarch64-linux")


def test_names_the_exact_file_of_each_package(workplace: Workplace) -> None:
    content = workplace.index.wheel("beta", "2.0")
    workplace.index.wheel("alpha", "1.0", "beta>=1")
    workplace.project('requires-python = ">=3.11"\ndependencies = ["alpha"]')
    lock = workplace.locked()
    environment = lock["environments"]["x86_64-linux"]["3.11"]
    assert lock["version"] == 1
    assert lock["project"] == "demo"
    assert lock["requires-python"] == ">=3.11"
    assert lock["sdists"] == []
    assert environment["groups"] == {"default": ["alpha", "beta"]}
    assert environment["packages"]["alpha"]["dependencies"] == ["beta"]
    assert environment["packages"]["beta"] == {
        "version": "2.0",
        "file": "beta-2.0-py3-none-any.whl",
        "sha256": sha256(content),
        "size": len(content),
        "dependencies": [],
        "license": "MIT",
    }


def test_the_file_is_canonical_json_without_any_address(workplace: Workplace) -> None:
    workplace.index.wheel("alpha", "1.0")
    workplace.project('dependencies = ["alpha"]')
    lock = workplace.locked()
    text = (workplace.directory / "cloche.lock").read_text()
    assert text == json.dumps(lock, sort_keys=True, indent=1, ensure_ascii=False) + "\n"
    assert "://" not in text
    assert str(workplace.directory.parent) not in text


def test_locking_twice_gives_the_same_bytes(workplace: Workplace) -> None:
    workplace.index.wheel("alpha", "1.0")
    workplace.project('dependencies = ["alpha"]')
    workplace.locked()
    first = (workplace.directory / "cloche.lock").read_bytes()
    outcome = workplace.lock()
    assert (workplace.directory / "cloche.lock").read_bytes() == first
    assert "Nothing changed." in outcome.err


def test_versions_are_kept_when_a_dependency_is_added(workplace: Workplace) -> None:
    workplace.index.wheel("alpha", "1.0")
    workplace.project('dependencies = ["alpha"]')
    workplace.locked()
    workplace.index.wheel("alpha", "2.0")
    workplace.index.wheel("beta", "1.0")
    workplace.project('dependencies = ["alpha", "beta"]')
    outcome = workplace.lock()
    packages = workplace.read()["environments"]["x86_64-linux"]["3.11"]["packages"]
    assert {name: package["version"] for name, package in packages.items()} == {"alpha": "1.0", "beta": "1.0"}
    assert "Added beta 1.0\n" in outcome.err
    assert "alpha" not in outcome.err


def test_upgrade_moves_to_the_newest_versions(workplace: Workplace) -> None:
    workplace.index.wheel("alpha", "1.0")
    workplace.project('dependencies = ["alpha"]')
    workplace.locked()
    workplace.index.wheel("alpha", "2.0")
    outcome = workplace.lock("--upgrade")
    assert "Updated alpha 1.0 -> 2.0\n" in outcome.err
    assert workplace.read()["environments"]["x86_64-linux"]["3.11"]["packages"]["alpha"]["version"] == "2.0"


def test_a_kept_version_gives_way_to_a_new_bound(workplace: Workplace) -> None:
    workplace.index.wheel("alpha", "1.0")
    workplace.project('dependencies = ["alpha"]')
    workplace.locked()
    workplace.index.wheel("alpha", "2.0")
    workplace.project('dependencies = ["alpha>=2"]')
    assert workplace.environment()["packages"]["alpha"]["version"] == "2.0"


def test_each_version_of_a_fork_is_kept(workplace: Workplace) -> None:
    targets = ("--python", "3.11", "--python", "3.13")
    for version in ("1.0", "2.0"):
        workplace.index.wheel("alpha", version)
    workplace.project("dependencies = [\"alpha<2; python_version < '3.12'\", \"alpha>=2; python_version >= '3.12'\"]")
    workplace.locked(*targets)
    workplace.index.wheel("alpha", "1.5")
    workplace.index.wheel("alpha", "2.5")
    pythons = workplace.locked(*targets)["environments"]["x86_64-linux"]
    assert [pythons[python]["packages"]["alpha"]["version"] for python in ("3.11", "3.13")] == ["1.0", "2.0"]


def test_each_system_and_python_gets_its_own_best_wheel(workplace: Workplace) -> None:
    tags = [
        f"cp{minor}-cp{minor}-manylinux_2_28_{machine}" for minor in (311, 313) for machine in ("x86_64", "aarch64")
    ]
    # None of these is for us: musl, a newer C library, another system, another Python.
    others = ["cp311-cp311-musllinux_1_2_x86_64", "cp311-cp311-manylinux_2_39_x86_64", "cp311-cp311-win_amd64"]
    for tag in [*tags, *others, "cp310-cp310-manylinux_2_28_x86_64"]:
        workplace.index.wheel("alpha", "1.0", tag=tag)
    workplace.project('dependencies = ["alpha"]')
    lock = workplace.locked(*TWO_SYSTEMS, "--python", "3.11", "--python", "3.13")
    found = {
        (system, python): environment["packages"]["alpha"]["file"]
        for system, pythons in lock["environments"].items()
        for python, environment in pythons.items()
    }
    assert found == {
        ("x86_64-linux", "3.11"): "alpha-1.0-cp311-cp311-manylinux_2_28_x86_64.whl",
        ("x86_64-linux", "3.13"): "alpha-1.0-cp313-cp313-manylinux_2_28_x86_64.whl",
        ("aarch64-linux", "3.11"): "alpha-1.0-cp311-cp311-manylinux_2_28_aarch64.whl",
        ("aarch64-linux", "3.13"): "alpha-1.0-cp313-cp313-manylinux_2_28_aarch64.whl",
    }


def test_a_python_newer_than_the_running_one_can_be_locked_for(workplace: Workplace) -> None:
    workplace.index.wheel("alpha", "1.0", tag="cp399-cp399-manylinux_2_28_x86_64")
    workplace.project('requires-python = ">=3.99"\ndependencies = ["alpha"]')
    packages = workplace.environment("--python", "3.99", python="3.99")["packages"]
    assert packages["alpha"]["file"] == "alpha-1.0-cp399-cp399-manylinux_2_28_x86_64.whl"


def test_markers_and_extras_are_applied_to_edges(workplace: Workplace) -> None:
    workplace.index.wheel(
        "alpha",
        "1.0",
        "beta; extra == 'fast'",
        "gamma; platform_machine == 'aarch64'",
        "delta; extra == 'slow'",
        "epsilon; python_full_version < '3.11.3'",
        extras=("fast", "slow"),
    )
    for name in ("beta", "gamma", "delta", "epsilon"):
        workplace.index.wheel(name, "1.0")
    workplace.project('dependencies = ["alpha[fast]"]')
    systems = workplace.locked(*TWO_SYSTEMS)["environments"]
    edges = {system: pythons["3.11"]["packages"]["alpha"]["dependencies"] for system, pythons in systems.items()}
    assert edges == {"x86_64-linux": ["beta", "epsilon"], "aarch64-linux": ["beta", "epsilon", "gamma"]}
    assert "gamma" not in systems["x86_64-linux"]["3.11"]["packages"]


def test_groups_include_groups_and_extras_of_the_project(workplace: Workplace) -> None:
    for name in ("alpha", "beta", "gamma", "delta"):
        workplace.index.wheel(name, "1.0")
    workplace.project(
        'dependencies = ["alpha"]\n'
        "[project.optional-dependencies]\n"
        'Plot_It = ["beta"]\nall = ["demo[plot-it]", "delta"]\n'
        "[dependency-groups]\n"
        'test = ["gamma"]\ndev = [{ include-group = "test" }, "demo[plot-it]"]\n'
    )
    assert workplace.environment()["groups"] == {
        "default": ["alpha"],
        "dev": ["alpha", "beta", "gamma"],
        "extra:all": ["alpha", "beta", "delta"],
        "extra:plot-it": ["beta"],
        "test": ["gamma"],
    }


def test_the_lock_of_a_project_in_git_is_visible_to_nix(workplace: Workplace) -> None:
    workplace.index.wheel("alpha", "1.0")
    workplace.project('dependencies = ["alpha"]')
    subprocess.run(["git", "init", "--quiet"], cwd=workplace.directory, check=True)
    workplace.locked()
    listed = subprocess.run(["git", "ls-files"], cwd=workplace.directory, check=True, capture_output=True, text=True)
    assert listed.stdout == "cloche.lock\n"


def test_a_folder_of_wheels_is_enough_of_an_index(
    workplace: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = workplace.index.wheel("alpha", "1.0")
    workplace.project('dependencies = ["alpha"]')
    config = tmp_path / "pip.conf"
    config.write_text(f"[install]\nfind-links = {tmp_path / 'index' / 'files'}\n[global]\nno-index = true\n")
    monkeypatch.delenv("PIP_INDEX_URL")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    package = workplace.environment()["packages"]["alpha"]
    assert (package["sha256"], package["size"]) == (sha256(content), len(content))


def test_an_index_without_hashes_is_enough(workplace: Workplace) -> None:
    content = workplace.index.wheel("alpha", "1.0")
    workplace.index.write_page("alpha", hashes=False)
    workplace.project('dependencies = ["alpha"]')
    package = workplace.environment()["packages"]["alpha"]
    assert (package["sha256"], package["size"]) == (sha256(content), len(content))


def test_the_summary_counts(workplace: Workplace) -> None:
    workplace.index.wheel("alpha", "1.0")
    workplace.project('dependencies = ["alpha"]')
    path = workplace.directory / "cloche.lock"
    assert workplace.lock().err == (
        "Resolving demo ...\n"
        "Resolving the build of demo ...\n"
        "There was no lock before.\n"
        f"Wrote {path}: 1 packages for x86_64-linux and Python 3.11: 2 wheels and 0 sdists, build tools included, 0.0 MB.\n"
    )


def test_removed_packages_are_reported(workplace: Workplace) -> None:
    workplace.index.wheel("alpha", "1.0")
    workplace.project('dependencies = ["alpha"]')
    workplace.locked()
    workplace.project("dependencies = []")
    assert "Removed alpha 1.0\n" in workplace.lock().err


def test_uv_settings_of_the_project_decide_about_versions(workplace: Workplace) -> None:
    for version in ("1.0", "2.0", "3.0"):
        workplace.index.wheel("beta", version)
    workplace.index.wheel("alpha", "1.0", "beta>=2", "gamma")
    workplace.project(
        'dependencies = ["alpha"]\n[tool.uv]\noverride-dependencies = ["beta==1.0", "gamma; sys_platform == \'never\'"]\n'
    )
    packages = workplace.environment()["packages"]
    assert {name: package["version"] for name, package in packages.items()} == {"alpha": "1.0", "beta": "1.0"}
    assert packages["alpha"]["dependencies"] == ["beta"]


def test_indexes_of_uv_are_not_used_and_its_older_dev_group_is(workplace: Workplace) -> None:
    workplace.index.wheel("alpha", "1.0")
    workplace.project(
        'dependencies = []\n[tool.uv]\ndev-dependencies = ["alpha"]\n'
        '[[tool.uv.index]]\nname = "other"\nurl = "https://index.invalid/simple"\n'
    )
    outcome = workplace.lock()
    assert "[[tool.uv.index]] is not used: indexes come from pip's configuration.\n" in outcome.err
    assert workplace.read()["environments"]["x86_64-linux"]["3.11"]["groups"] == {"default": [], "dev": ["alpha"]}


def test_a_failure_of_git_is_a_warning(workplace: Workplace) -> None:
    workplace.project("dependencies = []")
    subprocess.run(["git", "init", "--quiet"], cwd=workplace.directory, check=True)
    (workplace.directory / ".git" / "index.lock").touch()
    outcome = workplace.lock()
    assert outcome.code == 0
    assert "git add -N cloche.lock failed, and Nix does not see untracked files: fatal: " in outcome.err


def test_a_machine_without_git_locks_as_well(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    workplace.project("dependencies = []")
    monkeypatch.setenv("PATH", "/nonexistent")
    assert workplace.lock().code == 0


def test_the_digest_leaves_out_what_does_not_matter() -> None:
    data: dict[str, object] = {
        "project": {"name": "demo", "version": "1", "dependencies": ["é"]},
        "tool": {"uv": {}, "poetry": {"name": "demo"}, "ruff": {}},
    }
    text = '{"project":{"dependencies":["é"],"name":"demo"}}'
    assert digest(data) == sha256(text.encode())
    data["tool"] = {"uv": {"prerelease": "allow"}, "poetry": {"extras": {}}}
    data["build-system"] = {"requires": []}
    text = (
        '{"build-system":{"requires":[]},"project":{"dependencies":["é"],"name":"demo"},'
        '"tool":{"poetry":{"extras":{}},"uv":{"prerelease":"allow"}}}'
    )
    assert digest(data) == sha256(text.encode())
