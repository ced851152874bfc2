"""Rare shapes of locks, indexes and packages."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloche.errors import ClocheError
from cloche.lock.legacy import read_requirement
from cloche.lock.model import Environment, Lock, Package, read_lock
from cloche.lock.poetry_project import pep508
from cloche.lock.sdist import read_sdist
from conftest import Workplace
from local_index import LocalIndex, metadata_of, sha256

names = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
packages = st.builds(
    Package,
    version=st.just("1.0"),
    file=names.map(lambda name: f"{name}-1.0-py3-none-any.whl"),
    sha256=st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
    size=st.integers(0),
    dependencies=st.lists(names, unique=True).map(lambda found: tuple(sorted(found))),
    license=st.none() | st.text(),
    build=st.none(),
)
environments = st.builds(
    Environment,
    groups=st.dictionaries(names, st.lists(names, unique=True).map(lambda found: tuple(sorted(found)))),
    packages=st.dictionaries(names, packages),
    builds=st.just({}),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(environments)
def test_a_lock_is_read_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, environment: Environment) -> None:
    lock = Lock(
        project="demo",
        requires_python="",
        made_from={},
        environments={"x86_64-linux": {"3.11": environment}},
    )
    path = tmp_path_factory.mktemp("lock") / "cloche.lock"
    path.write_text(lock.dumps(), encoding="utf-8")
    assert read_lock(path) == lock
    assert read_lock(path).dumps() == lock.dumps()


@pytest.mark.parametrize("part", ["sha256", "type"])
def test_a_lock_with_a_wrong_value_is_refused(workplace: Workplace, part: str) -> None:
    digest = sha256(workplace.index.wheel("alpha", "1.0"))
    workplace.project('dependencies = ["alpha"]')
    workplace.locked()
    path = workplace.directory / "cloche.lock"
    wrong = (
        path.read_text().replace(digest, "00") if part == "sha256" else '{"version": 1, "made-from": 3, "project": ""}'
    )
    path.write_text(wrong)
    with pytest.raises(ClocheError, match=rf"^{path}: .*\.\n"):
        read_lock(path)
    assert workplace.lock().code == 2


def test_check_notices_the_lock_of_another_project(workplace: Workplace) -> None:
    workplace.project("dependencies = []")
    workplace.locked()
    path = workplace.directory / "cloche.lock"
    path.write_text(path.read_text().replace('"project": "demo"', '"project": "other"'))
    outcome = workplace.lock("--check")
    assert outcome.code == 1
    assert "  it is the lock of 'other', not of 'demo'\n" in outcome.err


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda one: one["packages"].pop("beta"), "alpha needs beta, which is not locked"),
        (lambda one: one["packages"].pop("beta"), "beta is in a group and not locked"),
        (lambda one: one["groups"].update(default=["alpha"]), "beta is locked, and nothing needs it"),
        (
            lambda one: one["builds"]["demo"].update(requires=[]),
            "the build of demo: flit-core is locked, and nothing needs it",
        ),
        (
            lambda one: one["builds"]["demo"]["packages"]["flit-core"].update(dependencies=["wheel"]),
            "the build of demo: flit-core needs wheel, which is not locked",
        ),
    ],
)
def test_check_notices_edges_to_nothing_and_packages_that_nothing_needs(
    workplace: Workplace, change: Callable[[dict[str, Any]], object], line: str
) -> None:
    workplace.index.wheel("alpha", "1.0", "beta")
    workplace.index.wheel("beta", "1.0")
    workplace.project('dependencies = ["alpha"]')
    data = workplace.locked()
    assert workplace.lock("--check").code == 0

    change(data["environments"]["x86_64-linux"]["3.11"])
    (workplace.directory / "cloche.lock").write_text(json.dumps(data))

    outcome = workplace.lock("--check")
    assert outcome.code == 1
    assert f"  {line} (x86_64-linux, Python 3.11)\n" in outcome.err


def test_groups_that_need_different_versions_are_refused(workplace: Workplace) -> None:
    lines = [f"alpha=={v} --hash=sha256:{sha256(workplace.index.wheel('alpha', v))}\n" for v in ("1.0", "2.0")]
    (workplace.directory / "requirements.txt").write_text("".join(lines))
    workplace.project('dependencies = ["alpha<2"]\n[dependency-groups]\nnew = ["alpha>=2"]\n')
    assert workplace.lock().err.endswith(
        "error: requirements.txt has several versions of alpha for x86_64-linux, Python 3.11: 1.0, 2.0 "
        "(needed by group 'new').\n"
        "One environment holds one version. Make the requirements agree, or split the project.\n"
    )


def test_one_package_on_two_lines_of_requirements(workplace: Workplace) -> None:
    good = sha256(workplace.index.wheel("alpha", "1.0"))
    pin = f"alpha==1.0 --hash=sha256:{good}\nalpha==1.0 --hash=sha256:{'0' * 64} \\\n"
    (workplace.directory / "requirements.txt").write_text(pin)
    workplace.project('dependencies = ["alpha"]')
    assert workplace.environment()["packages"]["alpha"]["sha256"] == good


def test_metadata_beside_the_file_on_a_page_without_sizes(workplace: Workplace) -> None:
    content = workplace.index.wheel("alpha", "1.0")
    file = "alpha-1.0-py3-none-any.whl"
    metadata = metadata_of(file, content) or b""
    (workplace.index.root / "files" / f"{file}.metadata").write_bytes(metadata)
    page = workplace.index.root / "simple" / "alpha" / "index.html"
    page.write_text(page.read_text().replace("<a ", f'<a data-core-metadata="sha256={sha256(metadata)}" '))
    (workplace.directory / "requirements.txt").write_text(f"alpha==1.0 --hash=sha256:{sha256(content)}\n")
    workplace.project('dependencies = ["alpha"]')
    assert workplace.environment()["packages"]["alpha"]["size"] == len(content)


def test_a_file_on_two_indexes_is_taken_from_the_one_that_has_the_locked_content(
    workplace: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = LocalIndex(tmp_path / "other")
    wanted = other.wheel("alpha", "1.0", fields=("License: MIT",))
    workplace.index.wheel("alpha", "1.0")
    (workplace.directory / "requirements.txt").write_text(f"alpha==1.0 --hash=sha256:{sha256(wanted)}\n")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", str(tmp_path / "other" / "simple"))
    workplace.project('dependencies = ["alpha"]')
    assert workplace.environment()["packages"]["alpha"]["sha256"] == sha256(wanted)


def test_a_wheel_that_is_no_archive_is_refused(workplace: Workplace) -> None:
    content = workplace.index.add("alpha", "alpha-1.0-py3-none-any.whl", b"not an archive")
    (workplace.directory / "requirements.txt").write_text(f"alpha==1.0 --hash=sha256:{sha256(content)}\n")
    workplace.project('dependencies = ["alpha"]')
    assert workplace.lock().err.endswith(
        "error: alpha-1.0-py3-none-any.whl: the wheel cannot be read: it is not sound\n"
        "  it is no zip archive: 14 bytes are too few.\n"
        "Use another version of the package.\n"
    )


def test_the_highest_build_number_wins(workplace: Workplace) -> None:
    for tag in ("py3-none-any", "1-py3-none-any", "10-py3-none-any", "2-py3-none-any"):
        workplace.index.wheel("alpha", "1.0", tag=tag)
    workplace.project('dependencies = ["alpha"]')
    assert workplace.environment()["packages"]["alpha"]["file"] == "alpha-1.0-10-py3-none-any.whl"


@pytest.mark.parametrize(
    ("requires", "expected"),
    [
        ("beta (>=0.1.*)", "beta>=0.1"),
        ('beta >=1.19.*,<2.* ; python_version >= "3.7"', 'beta<2,>=1.19; python_version >= "3.7"'),
        ("beta (>=2.7,!=3.0*,!=3.1*)", "beta!=3.0.*,!=3.1.*,>=2.7"),
        ("beta>=1.3.0,<1.4.0',", "beta<1.4.0,>=1.3.0"),
        ("beta[x] (>=7.2.0<8.0.0)", "beta[x]<8.0.0,>=7.2.0"),
        ("beta>=1.0 <2", "beta<2,>=1.0"),
        ("beta (>dev)", "beta>0.0.0dev"),
        ("beta !=~5.0", "beta!=5.0.*"),
        ("beta >=9.0.0a1.0", "beta>=9.0.0a1"),
        ("'beta' >=1.0", "beta>=1.0"),
        ("beta; python_version < '3.0.*'", 'beta; python_version >= "0"'),
        ("beta; '3.x' > python_version and extra == 'y'", 'beta; python_version >= "0" and extra == "y"'),
        ("beta; python_version ~= '3.8'", 'beta; python_version ~= "3.8"'),
        ("beta; python_version in '2.7 3.11'", 'beta; python_version in "2.7 3.11"'),
    ],
)
def test_requirements_of_old_packages_are_read_as_uv_reads_them(requires: str, expected: str) -> None:
    assert str(read_requirement(requires)) == expected


def test_what_uv_resolves_of_old_metadata_is_in_the_lock(workplace: Workplace) -> None:
    requires = [
        "beta (>=0.1.*)",
        "gamma>=1.0<2",
        "delta; python_version < '3.0.*'",
        "epsilon; python_full_version>='3.11.4'",
    ]
    workplace.index.wheel("alpha", "1.0", *requires, fields=("Requires-Python: >=3.6.*,!=3.0*",))
    for name in ("beta", "gamma", "delta", "epsilon"):
        workplace.index.wheel(name, "1.5")
    workplace.project('dependencies = ["alpha"]')

    packages = workplace.environment()["packages"]

    assert packages["alpha"]["dependencies"] == ["beta", "delta", "epsilon", "gamma"]
    assert packages.keys() == {"alpha", "beta", "delta", "epsilon", "gamma"}


@pytest.mark.parametrize(
    ("requires", "fields", "fault"),
    [
        (
            ("gamma", "beta (2004d)"),
            (),
            "line 5 of its METADATA, \"Requires-Dist: beta (2004d)\", cannot be read: Invalid specifier: '2004d'",
        ),
        (
            ("beta; os_name ~= '1'",),
            (),
            "line 4 of its METADATA, \"Requires-Dist: beta; os_name ~= '1'\", cannot be read: Undefined <Op('~=')> on 'posix' and '1'.",
        ),
        (
            (),
            ("Requires-Python: ~=3",),
            "line 4 of its METADATA, \"Requires-Python: ~=3\", cannot be read: Invalid specifier: '~=3'",
        ),
        (
            (),
            ("Requires-Python: >=3.6", "Requires-Python: >=3.7"),
            "its METADATA has requires-python in a form that cannot be read: '>=3.6'",
        ),
        # What ends the headers hides the requirements that follow.
        (
            (),
            ("Summary: one", "", "two", "Requires-Dist: beta"),
            'line 7 of its METADATA, "Requires-Dist: beta", stands behind its headers, which end at line 5',
        ),
        (
            (),
            ("License as you like it", "requires-python: <3.11"),
            'line 5 of its METADATA, "requires-python: <3.11", stands behind its headers, which end at line 4',
        ),
        (
            (),
            ("Requires-Dist : beta",),
            'line 4 of its METADATA, "Requires-Dist : beta", stands behind its headers, which end at line 4',
        ),
    ],
)
def test_requirements_that_cannot_be_read_are_an_error(
    workplace: Workplace, requires: tuple[str, ...], fields: tuple[str, ...], fault: str
) -> None:
    content = workplace.index.wheel("alpha", "1.0", *requires, fields=fields)
    (workplace.directory / "requirements.txt").write_text(f"alpha==1.0 --hash=sha256:{sha256(content)}\n")
    workplace.project('dependencies = ["alpha"]')

    outcome = workplace.lock()

    assert outcome.code == 2
    assert outcome.err.endswith(
        f"error: alpha-1.0-py3-none-any.whl: {fault}.\n"
        "What it requires is not known, so it is not locked. Require another version of it, or replace what it says by\n"
        "dependency-metadata in [tool.uv] and obey the uv.lock that `uv lock` then makes.\n"
    )
    assert not (workplace.directory / "cloche.lock").exists()


def test_what_was_resolved_and_is_reached_by_nothing_is_an_error(workplace: Workplace) -> None:
    """As where metadata is told to uv otherwise, or is made when an sdist is built."""
    workplace.index.wheel("alpha", "1.0")
    workplace.index.wheel("beta", "1.0")
    told = '[[tool.uv.dependency-metadata]]\nname = "alpha"\nversion = "1.0"\nrequires-dist = ["beta"]\n'
    workplace.project(f'dependencies = ["alpha"]\n{told}')

    outcome = workplace.lock()

    assert outcome.code == 2
    assert (
        "error: uv's resolution has beta for x86_64-linux, Python 3.11, and no locked package's metadata requires it.\n"
        in outcome.err
    )


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        ("^1.2", "alpha<2.0,>=1.2"),
        ("*", "alpha"),
        (">=1,<2 || >=3", "alpha"),
        ({"version": "1", "extras": ["x"]}, "alpha[x]==1"),
    ],
)
def test_poetry_s_notation(constraint: str | dict[str, object], expected: str) -> None:
    assert str(pep508("alpha", constraint)) == expected


def test_a_constraint_that_poetry_does_not_know_is_refused(workplace: Workplace) -> None:
    text = '[tool.poetry]\nname = "demo"\n[tool.poetry.dependencies]\nalpha = "one"\n'
    (workplace.directory / "pyproject.toml").write_text(text)
    outcome = workplace.lock()
    assert outcome.code == 2
    assert f"error: {workplace.directory}/pyproject.toml:4: the dependency 'alpha': " in outcome.err
    assert outcome.err.endswith("Write a constraint that Poetry knows.\n")


def test_an_empty_sdist_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a-1.tar.gz"
    path.write_bytes(b"")
    with pytest.raises(ClocheError, match=r"^a-1\.tar\.gz: the sdist cannot be read: "):
        read_sdist(path, "a-1.tar.gz")


def test_an_unreadable_group_member_is_refused(workplace: Workplace) -> None:
    workplace.project("[dependency-groups]\ntest = [{ other = 1 }]\n")
    assert workplace.lock().err.endswith(
        "pyproject.toml: [dependency-groups]: Invalid dependency group item: {'other': 1}.\nCorrect the group (PEP 735).\n"
    )
