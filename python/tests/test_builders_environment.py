"""Merging unpacked wheels into one environment of links.

Whole derivations: tests/test_errors.py.
"""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.environment import application, editable, environment

SITE = "lib/python3.11/site-packages"


def prefix(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def merged(tmp_path: Path, *wheels: Path, **more: Any) -> Path:  # noqa: ANN401 - of any type, as in Nix
    interpreter = tmp_path / "base/bin/python3.11"
    interpreter.parent.mkdir(parents=True, exist_ok=True)
    interpreter.touch()
    attributes = {
        "outputs": {"out": str(tmp_path / "out")},
        "wheels": [str(wheel) for wheel in wheels],
        "interpreter": str(interpreter),
        "sitePackages": SITE,
        "version": "3.11",
        "fullVersion": "3.11.2",
        **more,
    }
    environment.main(attributes)
    return tmp_path / "out"


def test_folder_of_one_wheel_is_one_link_and_shared_ones_are_filled(tmp_path: Path) -> None:
    first = prefix(tmp_path / "1", {f"{SITE}/one/a.py": "", f"{SITE}/space/x.py": "", "share/man/one.1": ""})
    second = prefix(tmp_path / "2", {f"{SITE}/two/b.py": "", f"{SITE}/space/y.py": "", "share/doc/two": ""})
    out = merged(tmp_path, first, second)
    assert (out / SITE / "one").readlink() == first / SITE / "one"
    assert not (out / SITE / "space").is_symlink()
    assert sorted(path.name for path in (out / SITE / "space").iterdir()) == ["x.py", "y.py"]
    assert (out / "share/man/one.1").exists()
    assert (out / "share/doc/two").exists()
    assert (out / "pyvenv.cfg").read_text() == (
        f"home = {tmp_path}/base/bin\ninclude-system-site-packages = false\nversion = 3.11.2\n"
    )


def test_site_packages_belong_to_the_environment_also_with_one_wheel(tmp_path: Path) -> None:
    out = merged(tmp_path, prefix(tmp_path / "1", {f"{SITE}/one.py": ""}))
    assert not (out / SITE).is_symlink()
    assert (out / SITE / "one.py").is_symlink()
    assert (merged(tmp_path / "none") / SITE).is_dir()


def test_scripts_run_the_environments_python(tmp_path: Path) -> None:
    wheel = prefix(
        tmp_path / "1", {"bin/tool": "#!/cloche/python -E\nx\n", "bin/other": "#!/bin/sh\n", "bin/sub/data": ""}
    )
    out = merged(tmp_path, wheel)
    assert (out / "bin/tool").read_text() == f"#!{out}/bin/python -E\nx\n"
    assert (out / "bin/tool").stat().st_mode & 0o777 == 0o755
    assert (out / "bin/other").readlink() == wheel / "bin/other"
    assert (out / "bin/sub/data").exists()


def test_all_collisions_are_told_at_once(tmp_path: Path) -> None:
    one = {"share/x": "1", f"{SITE}/m.py": "1", f"{SITE}/__pycache__/m.pyc": "1", f"{SITE}/f": "", "bin/python": "1"}
    two = {"share/x": "2", f"{SITE}/m.py": "2", f"{SITE}/__pycache__/m.pyc": "2", f"{SITE}/f/g": ""}
    with pytest.raises(SystemExit) as ended:
        merged(tmp_path, prefix(tmp_path / "1", one), prefix(tmp_path / "2", two))
    told = [line.strip().split(":")[0] for line in str(ended.value).splitlines() if line.startswith("  ")]
    # Byte code follows its module, so it is not told apart from it.
    assert told == [f"{SITE}/f", f"{SITE}/m.py", "share/x", "bin/python"]


def test_equal_files_agree_and_byte_code_is_that_of_the_module_taken(tmp_path: Path) -> None:
    wheels = [
        prefix(
            tmp_path / number,
            {f"{SITE}/m.py": "same", f"{SITE}/__pycache__/m.pyc": number, "bin/t": "#!/cloche/python\n"},
        )
        for number in ("1", "2")
    ]
    out = merged(tmp_path, *wheels)
    assert (out / SITE / "m.py").readlink() == wheels[0] / SITE / "m.py"
    assert (out / SITE / "__pycache__/m.pyc").readlink() == wheels[0] / SITE / "__pycache__/m.pyc"


def test_links(tmp_path: Path) -> None:
    out = merged(tmp_path, links={"bin/git": "/absent/bin/git"})
    assert (out / "bin/git").readlink() == Path("/absent/bin/git")


@given(st.text(alphabet="/nixstore-abc", max_size=30))
def test_name_of_a_wheel_is_found_for_any_path(text: str) -> None:
    assert isinstance(environment._wheel_of(Path("/", text)), str)  # noqa: SLF001 - too small to export


def test_application_has_only_the_projects_own_scripts(tmp_path: Path) -> None:
    project = prefix(tmp_path / "project", {"bin/growth": "", "share/man/growth.1": ""})
    whole = prefix(tmp_path / "whole", {"bin/growth": "", "bin/pytest": "", "share/man/growth.1": ""})
    out = tmp_path / "application"
    application.main({"outputs": {"out": str(out)}, "project": str(project), "environment": str(whole)})
    assert [path.name for path in (out / "bin").iterdir()] == ["growth"]
    assert (out / "bin/growth").readlink() == whole / "bin/growth"
    assert (out / "share/man/growth.1").exists()


def test_application_of_a_library_has_no_program(tmp_path: Path) -> None:
    whole = prefix(tmp_path / "whole", {"bin/pytest": ""})
    out = tmp_path / "application"
    application.main({"outputs": {"out": str(out)}, "project": str(tmp_path / "project"), "environment": str(whole)})
    assert list((out / "bin").iterdir()) == []


def test_editable_installation(tmp_path: Path) -> None:
    attributes = {
        "outputs": {"out": str(tmp_path / "out")},
        "sitePackages": SITE,
        "project": "two-words",
        "version": "1.0",
        "directory": "python",
        "layout": "src",
        "scripts": {"run": "two_words.cli:App.main"},
        "entryPoints": {"plugins": {"b": "m:b", "a": "m:a"}, "empty": {}},
    }
    editable.main(attributes)
    site = tmp_path / "out" / SITE
    assert (site / "two_words-1.0.dist-info/entry_points.txt").read_text() == (
        "[console_scripts]\nrun = two_words.cli:App.main\n\n[plugins]\na = m:a\nb = m:b\n"
    )
    script = (tmp_path / "out/bin/run").read_text()
    assert "from two_words.cli import App\n" in script
    assert "sys.exit(App.main())" in script
    compile(script, "run", "exec")
    line = (site / "__editable__.two_words.pth").read_text()
    assert line.startswith("import os, sys; ")
    assert line.count("\n") == 1
    assert "'python', 'src'" in line


@pytest.mark.parametrize(
    ("scripts", "groups", "problem"),
    [
        ({"../evil": "m:a"}, {}, "the entry point '../evil' of 'console_scripts': it leads out of bin/"),
        (
            {"run": "m:a\nimport os"},
            {},
            "the entry point 'run' of 'console_scripts': it, its group or what it leads to has",
        ),
        ({"run": "m:a()"}, {}, "the entry point 'run' of 'console_scripts': 'm:a()' is not MODULE:FUNCTION"),
        ({"run": {"callable": "m:a"}}, {}, "the entry point 'run' of 'console_scripts': it, its group or what"),
        ({}, {"gui_scripts": {"-x": "m:a"}}, "the entry point '-x' of 'gui_scripts': it would be taken for an option"),
        (
            {},
            {"a]\n[console_scripts": {"x": "m:a"}},
            "the entry point 'x' of 'a]\\n[console_scripts': it, its group or",
        ),
    ],
)
def test_an_editable_installation_writes_no_other_files_and_no_other_code(
    scripts: dict[str, Any], groups: dict[str, Any], problem: str, tmp_path: Path
) -> None:
    given = {"outputs": {"out": str(tmp_path / "out")}, "scripts": scripts, "entryPoints": groups}
    with pytest.raises(SystemExit) as ended:
        editable.main(given)
    assert str(ended.value).startswith(f"pyproject.toml cannot be installed:\n  {problem}")
    assert list(tmp_path.iterdir()) == []
