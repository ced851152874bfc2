"""A model and a selection as derivations: made of what the programs wrote, the same bytes again, and refused when changed."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import Ended, built, nix, run
from flakes import FLAKE, add, cloche, write

NAMES = "abcdefghijkl"
OPTIONS = """{
  cloche = {
    name = "sums";
    src = ./after;
    selection = {
      rows = ./rows.jsonl;
      map = ./impact-map.json;
      base = ./before;
      recall = 0.9;
    };
  };
}
"""


def program(names: str = NAMES) -> str:
    """Return a module with a function for each name."""
    return "\n\n".join(f"def {name}(x):\n    return x + {number}" for number, name in enumerate(names)) + "\n"


def project(folder: Path) -> Path:
    """Write a project whose functions have a test each, and one that runs them all."""
    tests = [f"def test_{name}():\n    assert sums.{name}(1) == {number + 1}" for number, name in enumerate(NAMES)]
    tests.append(f"def test_all():\n    for each in {NAMES!r}:\n        getattr(sums, each)(0)")
    files = {
        "pyproject.toml": '[project]\nname = "sums"\nversion = "1"\n[tool.pytest.ini_options]\npythonpath = ["."]\n',
        "sums/__init__.py": program(),
        "tests/test_sums.py": "import sums\n\n\n" + "\n\n\n".join(tests) + "\n",
        ".gitignore": ".cloche\n__pycache__\n",
    }
    write(folder, files)
    assert run("git", "-c", "user.name=a", "-c", "user.email=a@b.example", "commit", "-qm", "one", cwd=folder).code == 0
    return folder


@dataclass(frozen=True)
class Consumer:
    """A checkout, and a flake with its tree before and after a change."""

    checkout: Path
    flake: Path

    def verb(self, name: str, *arguments: str | Path) -> Ended:
        """Run one of the programs in the checkout, as it is installed."""
        return cloche("run", f"{self.flake}#{name}", "--", *arguments, cwd=self.checkout)

    def built(self, name: str) -> str:
        """Return the store path of an output of the flake."""
        return built(cloche("build", "--no-link", "--print-out-paths", f".#{name}", cwd=self.flake))


@pytest.fixture(scope="module")
def consumer(tmp_path_factory: pytest.TempPathFactory) -> Consumer:
    """Return a project whose rows were made by mutating it, and in which one function has changed since."""
    folder = tmp_path_factory.mktemp("selection")
    found = Consumer(project(folder / "sums"), write(folder / "flake", {"flake.nix": FLAKE, "cloche.nix": OPTIONS}))
    ended = found.verb("select-tests", "--record")
    assert ended.code == 0, ended.err
    ended = found.verb("train", "--from-mutants", "--functions", "24", "--imports", "0", "--export", "rows.jsonl")
    assert ended.code == 0, ended.err
    assert "rows.jsonl: 24 rows, sha256:" in ended.err
    shutil.copy(found.checkout / ".cloche/impact-map.json", found.flake / "impact-map.json")
    shutil.move(found.checkout / "rows.jsonl", found.flake / "rows.jsonl")
    for tree in ("before", "after"):
        for name in ("sums", "tests"):
            shutil.copytree(
                found.checkout / name, found.flake / tree / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        shutil.copy(found.checkout / "pyproject.toml", found.flake / tree / "pyproject.toml")
    write(found.flake, {"after/sums/__init__.py": program().replace("return x + 3", "return x + 33")})
    return found


@pytest.mark.slow
def test_the_same_rows_give_the_same_model_and_card(consumer: Consumer) -> None:
    path = consumer.built("test-model")
    assert nix("build", "--no-link", "--rebuild", path).code == 0
    card = json.loads(Path(path, "card.json").read_bytes())
    assert (card["project"], card["rows"]["by_origin"]) == ("sums", {"mutant": 24})
    for name in (
        "random",
        "all",
        "last failed",
        "decayed failure rate",
        "same path",
        "covered line",
        "covered function",
    ):
        assert name in card["baselines"]
    assert "import graph" in card["baselines"]
    assert Path(path, "curve.svg").read_text().startswith("<?xml")


@pytest.mark.slow
def test_the_selection_is_a_function_of_its_inputs(consumer: Consumer) -> None:
    path = consumer.built("test-selection")
    assert nix("build", "--no-link", "--rebuild", path).code == 0
    chosen = json.loads(Path(path, "selection.json").read_bytes())
    assert "tests/test_sums.py::test_d" in {each["id"] for each in chosen["tests"]}
    assert "tests/test_sums.py::test_e" in {each["id"] for each in chosen["left_out"]}
    # The control: another change selects another test.
    changed = consumer.flake / "after/sums/__init__.py"
    other = changed.read_text()
    changed.write_text(program().replace("return x + 4", "return x + 44"))
    try:
        path = consumer.built("test-selection")
    finally:
        changed.write_text(other)
    chosen = json.loads(Path(path, "selection.json").read_bytes())
    assert "tests/test_sums.py::test_e" in {each["id"] for each in chosen["tests"]}
    assert "tests/test_sums.py::test_d" in {each["id"] for each in chosen["left_out"]}


@pytest.mark.slow
def test_a_model_that_was_changed_or_is_of_another_project_is_refused(consumer: Consumer, tmp_path: Path) -> None:
    model = shutil.copytree(consumer.built("test-model"), tmp_path / "model")
    assert consumer.verb("select-tests", "--model", model, "--base", "HEAD").code in {0, 5}
    own = model / (model / "current").read_text().strip()
    file = next(path for path in sorted(own.iterdir()) if path.suffix == ".npy")
    file.chmod(0o644)
    own.chmod(0o755)
    data = file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    ended = consumer.verb("select-tests", "--model", model, "--base", "HEAD")
    assert (ended.code, ended.out) == (2, "")
    assert f"is refused as a model: the digest of {file.name} is " in ended.err
    file.write_bytes(data)
    text = (consumer.checkout / "pyproject.toml").read_text()
    (consumer.checkout / "pyproject.toml").write_text(text.replace('"sums"', '"others"'))
    try:
        ended = consumer.verb("select-tests", "--model", model, "--base", "HEAD")
    finally:
        (consumer.checkout / "pyproject.toml").write_text(text)
    assert (ended.code, ended.out) == (2, "")
    assert "is refused as a model: it is for the project 'sums', and this is 'others'\n" in ended.err


@pytest.mark.slow
def test_rows_of_another_project_are_no_model(consumer: Consumer, tmp_path: Path) -> None:
    folder = shutil.copytree(consumer.flake, tmp_path / "others", ignore=shutil.ignore_patterns(".git", "flake.lock"))
    rows = (folder / "rows.jsonl").read_text()
    (folder / "rows.jsonl").write_text(rows.replace('"project":"sums"', '"project":"others"'))
    add(folder)
    ended = cloche("build", "--no-link", ".#test-model", cwd=folder)
    assert ended.code == 1
    assert "there are rows of others, and the model is to be of sums; make rows of sums with\n" in ended.err
