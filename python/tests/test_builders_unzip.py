"""Unpacking the tools that unpack everything else."""

import zipfile
from pathlib import Path

import pytest

from cloche.environment import unzip


def main(tmp_path: Path, *names: str) -> Path:
    """Unpack a wheel of these files beside a module, and return the folder."""
    with zipfile.ZipFile(tmp_path / "tool.whl", "w") as archive:
        for name in names:
            archive.writestr(name, "x = 1\n")
    (tmp_path / "modules/cloche").mkdir(parents=True)
    (tmp_path / "modules/cloche/own.py").write_text("y = 2\n")
    attributes = {
        "outputs": {"out": str(tmp_path / "out")},
        "source": str(tmp_path / "tool.whl"),
        "modules": [str(tmp_path / "modules")],
    }
    unzip.main(attributes)
    return tmp_path / "out"


def test_the_wheel_and_the_modules_are_there_and_compiled(tmp_path: Path) -> None:
    out = main(tmp_path, "tool/__init__.py")
    found = {path.relative_to(out).as_posix().partition(".cpython")[0] for path in out.rglob("*") if path.is_file()}
    assert found == {"tool/__init__.py", "tool/__pycache__/__init__", "cloche/own.py", "cloche/__pycache__/own"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../outside.py", "'../outside.py': it would be written outside of the tool"),
        ("/outside.py", "'/outside.py': it would be written outside of the tool"),
        ("Tool.py", "'Tool.py' and 'tool.py' differ only by upper and lower case"),
    ],
)
def test_a_wheel_that_would_write_elsewhere_is_refused_and_nothing_is_written(
    tmp_path: Path, name: str, words: str
) -> None:
    with pytest.raises(SystemExit) as refused:
        main(tmp_path, "tool.py", name)
    first, second = str(refused.value.code).splitlines()
    assert first == f"{tmp_path}/tool.whl is not unpacked:"
    assert words in second
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "outside.py").exists()
