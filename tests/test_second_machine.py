"""The same revision's tests on a second machine, after a first one filled a signed cache: nothing is run that was run.

The second machine is a store of its own, with its own derivations and nothing built. What may come out of the cache is what the first
machine signed.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import Ended, nix, run
from flakes import SYSTEM, copy, write
from machines import temporary
from test_batches import FILES, trace

BATCHES = {"tests-test_rate", "tests-test_shape"}


@dataclass(frozen=True)
class Machines:
    """A project that the first machine has tested, the cache that it filled, and the keys of who may be believed."""

    project: Path
    cache: Path
    key: str
    stranger: str

    def judge(self, store: Path, *words: str, project: Path | None = None) -> Ended:
        """Build the verdict on tests in a store, with nothing to take from but the cache."""
        known = [
            "--option",
            "require-sigs",
            "true",
            "--substituters",
            f"file://{self.cache}",
            "--trusted-public-keys",
            self.key,
        ]
        return nix(
            "build",
            "--no-link",
            "-L",
            "--store",
            store,
            *known,
            *words,
            f".#checks.{SYSTEM}.tests",
            cwd=project or self.project,
        )

    def taken(self, cache: Path, store: Path, key: str) -> Ended:
        """Take the verdict out of a cache into a store that believes one key."""
        return nix("copy", "--from", f"file://{cache}", "--to", store, "--trusted-public-keys", key, self.verdict)

    @property
    def verdict(self) -> str:
        """The verdict's store path."""
        return nix("eval", "--raw", f".#checks.{SYSTEM}.tests.outPath", cwd=self.project).out


def outputs(project: Path, *words: str) -> list[str]:
    """Return the outputs of the verdict and of all that is needed to make it again, which the first machine has."""
    verdict = nix("eval", "--raw", f".#checks.{SYSTEM}.tests.drvPath", *words, cwd=project).out
    known = run("nix-store", "-qR", "--include-outputs", verdict).out.split()
    return [path for path in known if not path.endswith(".drv")]


@pytest.fixture(scope="module")
def machines(growth: Path, tmp_path_factory: pytest.TempPathFactory) -> Machines:
    """Return both, after the first has run the tests and put what it has into a cache, signed."""
    folder = tmp_path_factory.mktemp("machines")
    project = copy(growth, folder / "project", FILES)
    trace(project)
    first = nix("build", "--no-link", f".#checks.{SYSTEM}.tests", cwd=project)
    assert first.code == 0, first.err
    keys = {}
    for name in ("lab-1", "stranger-1"):
        (folder / name).write_text(run("nix", "key", "generate-secret", "--key-name", name).out)
        (folder / name).chmod(0o600)
        keys[name] = run("sh", "-c", f"nix key convert-secret-to-public <{folder / name}").out.strip()
    cache = folder / "cache"
    filled = nix("copy", "--to", f"file://{cache}?secret-key={folder / 'lab-1'}&compression=zstd", *outputs(project))
    assert filled.code == 0, filled.err
    return Machines(project, cache, keys["lab-1"], keys["stranger-1"])


def test_no_test_is_run_again(machines: Machines) -> None:
    with temporary("second") as folder:
        # No build at all is allowed.
        ended = machines.judge(folder / "store", "--max-jobs", "0")
        assert ended.code == 0, ended.err
        assert "building '" not in ended.err
        assert nix("path-info", "--store", folder / "store", machines.verdict).code == 0


@pytest.mark.slow
def test_an_edit_runs_what_can_see_it_and_takes_the_rest(machines: Machines, tmp_path: Path) -> None:
    edited = copy(machines.project, tmp_path / "project")
    text = (edited / "src/growth/shape.py").read_text()
    write(edited, {"src/growth/shape.py": f"{text}# more\n"})
    with temporary("second") as folder:
        ended = machines.judge(folder / "store", project=edited)
        assert ended.code == 0, ended.err
        ran = {batch for batch in BATCHES if f"-{batch}.drv'..." in ended.err}
        assert ran == {"tests-test_shape"}, ended.err


def test_only_what_was_signed_and_is_whole_is_taken(machines: Machines, tmp_path: Path) -> None:
    with temporary("second") as folder:
        # A cache that somebody else filled, as this machine sees it.
        ended = machines.taken(machines.cache, folder / "stranger", machines.stranger)
        assert (
            ended.code,
            f"cannot add path '{machines.verdict}' because it lacks a signature by a trusted key" in ended.err,
        ) == (1, True), ended.err
        # A result that was changed after it was signed.
        cache = tmp_path / "cache"
        shutil.copytree(machines.cache, cache)
        note = cache / f"{Path(machines.verdict).name[:32]}.narinfo"
        archive = cache / next(line.split()[1] for line in note.read_text().splitlines() if line.startswith("URL:"))
        archive.chmod(0o644)
        archive.write_bytes(next(path for path in sorted((cache / "nar").iterdir()) if path != archive).read_bytes())
        ended = machines.taken(cache, folder / "changed", machines.key)
        assert (ended.code, "hash mismatch" in ended.err) == (1, True), ended.err
        # What a broken copy leaves on the disk is no path of the store.
        assert nix("path-info", "--store", folder / "changed", machines.verdict).code == 1
        # The control: as it was signed, it is taken.
        ended = machines.taken(machines.cache, folder / "whole", machines.key)
        assert ended.code == 0, ended.err
        assert nix("path-info", "--store", folder / "whole", machines.verdict).code == 0
