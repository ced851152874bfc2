"""What the integration tests share: the checkout, a way to run nix, and consumer flakes in temporary folders.

They run outside of the sandbox, through `ci/test`, with nix and its settings in the environment. Each starts real
builds; none replaces a part by an imitation.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from machines import Machine

ROOT = Path(__file__).resolve().parent.parent


# Of a command that will never end: no machine is so slow, or so busy, that a verdict depends on it.
HANGS = 6 * 3600


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


def run(*command: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None, seconds: float = HANGS) -> Ended:
    """Run a command to its end; a test that hangs fails after `seconds`."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def nix(*arguments: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None, seconds: float = HANGS) -> Ended:
    """Run nix as ci/nix set it up."""
    return run("nix", *arguments, cwd=cwd, env=env, seconds=seconds)


def built(ended: Ended) -> str:
    """Return the one store path that `nix build --print-out-paths` printed; fail with Nix's words otherwise."""
    assert ended.code == 0, ended.err
    paths = ended.out.split()
    assert len(paths) == 1, ended.out
    return paths[0]


@pytest.fixture
def consumer(tmp_path: Path) -> Path:
    """Return a git checkout with a copy of the example that imports this Cloche by its path, as an outsider would."""
    folder = tmp_path / "consumer"
    shutil.copytree(ROOT / "examples/branin", folder, ignore=shutil.ignore_patterns("flake.lock", "__pycache__", ".*"))
    (folder / "flake.nix").write_text(
        f"""{{
  inputs.cloche.url = "git+file://{ROOT}";
  outputs = {{ self, cloche }}: cloche.lib.mkFlake {{ inherit self; }} ./cloche.nix;
}}
"""
    )
    for command in (["git", "init", "-q"], ["git", "add", "-A"]):
        run(*command, cwd=folder)
    return folder


@pytest.fixture(scope="session")
def growth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the project tests/growth with a lock, importing this Cloche by its path; tests copy it."""
    folder = tmp_path_factory.mktemp("growth") / "growth"
    shutil.copytree(ROOT / "tests/growth", folder, ignore=shutil.ignore_patterns("__pycache__", ".*cache"))
    (folder / "flake.nix").write_text((folder / "flake.nix").read_text().replace('"cloche"', f'"git+file://{ROOT}"'))
    for command in (
        ["git", "init", "-q"],
        ["git", "add", "-A"],
        [ROOT / "ci/nix", "run", ".#lock"],
        [ROOT / "ci/nix", "run", ".#fetch"],
    ):
        ended = run(*command, cwd=folder)
        assert ended.code == 0, ended.err
    return folder


@pytest.fixture(scope="session")
def inputs() -> Path:
    """Return the folder with the checkouts of the locked inputs, which are then in the store; skip where there is none."""
    folder = os.environ.get("CLOCHE_INPUTS")
    if not folder:
        pytest.skip("CLOCHE_INPUTS names no folder of checkouts of the locked inputs (see ci/offline-inputs)")
    ended = run(ROOT / "ci/offline-inputs", folder)
    assert ended.code == 0, ended.err
    return Path(folder)


@pytest.fixture(scope="session")
def archive() -> Iterator[Path]:
    """Return an archive of the example's sources, the seed and Nix, as `nix run .#vendor` makes it.

    CLOCHE_TEST_ARCHIVE names one that is there already; otherwise the seed's packages are brought from the mirrors.
    """
    from machines import temporary

    if given := os.environ.get("CLOCHE_TEST_ARCHIVE"):
        yield Path(given)
        return
    with temporary("archive") as folder:
        made = run("sh", ROOT / "pkgs/fetch/fetch.sh", "vendor", folder, "--lock", ROOT / "examples/branin/cloche.lock")
        assert made.code == 0, made.err
        run("chmod", "-R", "a+rX", folder)
        yield folder


@pytest.fixture(scope="session")
def machine(archive: Path) -> Iterator[Machine]:
    """Return a machine that was fresh and without network until two calls of ci/nix were started on it at once."""
    from machines import OFFLINE, Machine, temporary

    if not (archive / "nix/SHA256SUMS").exists():
        pytest.skip("Nix did not come from Debian's archive here (ci/nix found one on PATH), so the archive has none")
    with temporary("machine") as folder:
        fresh = Machine(folder, archive)
        fresh.home.mkdir()
        words = [
            "env",
            "-i",
            *(f"{name}={value}" for name, value in fresh.environment().items()),
            *OFFLINE,
            str(ROOT / "ci/nix"),
        ]
        both = [
            subprocess.Popen(
                [*words, "--store", str(fresh.store), "eval", "--expr", f"{number} + 1"],
                stdout=PIPE,
                stderr=PIPE,
                text=True,
            )
            for number in (1, 2)
        ]
        for number, process in enumerate(both, start=2):
            out, err = process.communicate(timeout=600)
            assert process.returncode == 0, err
            assert out == f"{number}\n"
        yield fresh


@pytest.fixture(scope="session")
def compilers() -> None:
    """Bring the packages of the role `cc`, which nothing fetches unless it is used."""
    ended = run("sh", ROOT / "pkgs/fetch/fetch.sh", "--tools-only", "--role", "cc")
    assert ended.code == 0, ended.err


@pytest.fixture(scope="session")
def cloche() -> Path:
    """Return Cloche's whole command line."""
    # `nix run` builds it; where it is, only evaluation says.
    made = run("nix", "run", f"{ROOT}#cloche", "--", "--version")
    assert made.code == 0, made.err
    ended = run(
        "nix",
        "eval",
        "--raw",
        "--impure",
        "--expr",
        f'(builtins.getFlake "git+file://{ROOT}").apps.${{builtins.currentSystem}}.cloche.program',
    )
    assert ended.code == 0, ended.err
    return Path(ended.out)


def of_debian(name: str) -> Path:
    """Return a program of ci/ that comes from Debian's archive and knows `version`; skip where it can't be had."""
    program = ROOT / "ci" / name
    ended = run(program, "version")
    if ended.code == 3:
        pytest.skip(ended.err.strip())
    assert ended.code == 0, ended.err
    return program


@pytest.fixture(scope="session")
def cosign() -> Path:
    """Return Debian's cosign."""
    return of_debian("cosign")


@pytest.fixture(scope="session")
def newest_nix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the newest Nix that Debian has; skip where there is none to be had."""
    ended = run(ROOT / "ci/newest-nix", "--version")
    if ended.code == 3:
        pytest.skip(ended.err.strip())
    assert ended.code == 0, ended.err
    cache = os.environ.get("CLOCHE_CACHE") or f"{os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'}/cloche"
    folder = tmp_path_factory.mktemp("newest-nix")
    for name in ("nix", "nix-daemon", "nix-store"):
        (folder / name).symlink_to(f"{cache}/newest-nix/root/usr/bin/nix")
    return folder


@pytest.fixture(params=["this", "newest"])
def each_nix(request: pytest.FixtureRequest) -> dict[str, str]:
    """Return the variables under which commands use the Nix that ci/nix brought or found, and the newest one."""
    if request.param == "this":
        return {}
    return {"PATH": f"{request.getfixturevalue('newest_nix')}:{os.environ['PATH']}"}
