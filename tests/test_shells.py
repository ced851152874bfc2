"""Development shells: what is in them, that edits take effect at once, and that the user's own shell stays usable."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import time
from pathlib import Path

import pytest

from conftest import ROOT, Ended, nix, run
from flakes import copy

CUT = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-current-user", "--net"]
SHELLS = """{
  cloche = {
    src = ./.;
    tests.enable = true;
    lint.enable = true;
    shells.notebook = {
      groups = [ "test" ];
      variables.LABORATORY = "four, and a blank";
      hook = "export HOOKED=$LABORATORY";
    };
    shells.built.editable = false;
  };
}
"""


@pytest.fixture(scope="module")
def shells(growth: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with two shells of its own."""
    return copy(growth, tmp_path_factory.mktemp("shells") / "project", {"cloche.nix": SHELLS})


def develop(folder: Path, *command: str, name: str = "default", env: dict[str, str] | None = None) -> Ended:
    """Run a command in a shell of the flake."""
    return nix("develop", f"{flake_of(folder)}#{name}", "-c", *command, cwd=folder, env=env)


def flake_of(folder: Path) -> Path:
    """Return the nearest folder with a flake.nix, where `nix develop` would look too."""
    return next(path for path in (folder, *folder.parents) if (path / "flake.nix").exists())


MODULES = "import importlib.util as u; print(*[m for m in ('numpy', 'pytest', 'mypy', 'growth') if u.find_spec(m)])"


@pytest.mark.parametrize(
    ("name", "modules", "ruff"),
    [
        ("default", "numpy pytest mypy growth", True),  # the group `dev`
        ("full", "numpy pytest mypy growth", True),
        ("ci", "numpy pytest growth", True),  # what the enabled checks need; types is not enabled
        ("notebook", "numpy pytest growth", False),
        ("built", "numpy growth", False),
    ],
)
def test_what_a_shell_holds(name: str, modules: str, shells: Path, *, ruff: bool) -> None:
    ended = develop(shells, "python", "-c", MODULES, name=name)
    assert (ended.code, ended.out.strip()) == (0, modules), ended.err
    prefix = "import shutil, sys; print(str(shutil.which('ruff')).startswith(sys.prefix))"
    assert develop(shells, "python", "-c", prefix, name=name).out == f"{ruff}\n"


def test_variables_and_hook(shells: Path) -> None:
    ended = develop(shells, "bash", "-c", "echo $LABORATORY/$HOOKED", name="notebook")
    assert ended.out == "four, and a blank/four, and a blank\n", ended.err


def test_an_edit_is_seen_at_once_also_below(growth: Path, tmp_path: Path) -> None:
    folder = copy(growth, tmp_path / "project")
    show = ("python", "-c", "from growth.rate import growth_rate; print(growth_rate([1, 2]))")
    assert develop(folder, *show).out == "0.6931471805599453\n"
    entered = develop(folder, "bash", "-c", "echo $PATH").out
    source = folder / "src/growth/rate.py"
    source.write_text(source.read_text().replace("return float(", "return 2 * float("))
    assert develop(folder, *show).out == "1.3862943611198906\n"
    below = folder / "tests"
    assert develop(below, *show).out == "1.3862943611198906\n"
    # So do entry points, and the environment is the same store path: nothing was built again.
    ran = develop(below, "growth", "1", "2")
    assert (ran.code, ran.out) == (0, "1.386294\n"), ran.err
    assert develop(folder, "bash", "-c", "echo $PATH").out == entered
    # As built, the edit is seen after a build only, and from the store.
    ended = develop(folder, "python", "-c", "import growth; print(growth.__file__)", name="ci")
    assert ended.out.startswith("/nix/store/")


def test_metadata_of_the_editable_project(shells: Path) -> None:
    code = "from importlib.metadata import version, entry_points; print(version('growth'), entry_points(name='growth')[0].value)"
    ended = develop(shells, "python", "-W", "ignore", "-c", code)
    assert ended.out == "0.1.0 growth.cli:main\n", ended.err


def test_the_users_own_programs_stay_and_nothing_of_the_build_is_left(shells: Path, tmp_path: Path) -> None:
    mine = tmp_path / "bin"
    mine.mkdir()
    (mine / "my-editor").write_text("#!/bin/sh\necho mine\n")
    (mine / "my-editor").chmod(0o755)
    path = f"{mine}:{os.environ['PATH']}"
    home = {"PATH": path, "HOME": str(tmp_path), "LANG": "C.UTF-8", "TZ": "Asia/Kolkata"}
    ended = develop(shells, "python", "-c", "import json, os; print(json.dumps(dict(os.environ)))", env=home)
    assert ended.code == 0, ended.err
    inside = json.loads(ended.out)
    assert develop(shells, "my-editor", env=home).out == "mine\n"
    assert inside["PATH"].endswith(path)
    assert {name: inside.get(name) for name in ("HOME", "LANG", "TZ")} == {
        name: home[name] for name in ("HOME", "LANG", "TZ")
    }
    # They would change how the user's own programs behave.
    harmful = {"LOCPATH", "TZDIR", "LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "PYTHONHASHSEED", "SOURCE_DATE_EPOCH"}
    harmful |= {
        "LC_ALL",
        "LD_PRELOAD",
        "name",
        "system",
        "builder",
        "out",
        "outputs",
        "shellHook",
    }
    assert {name: inside[name] for name in harmful & inside.keys() - os.environ.keys()} == {}
    # The user's own Python does not import from the environment.
    other = develop(
        shells, "/usr/bin/env", "-i", "PATH=/usr/bin:/bin", "sh", "-c", "echo ${PYTHONPATH-unset}", env=home
    )
    assert other.out == "unset\n"


def test_root_leaves_no_byte_code_in_the_store(shells: Path) -> None:
    # pytest rewrites its plugins and keeps their byte code beside them, and `verify` calls such a path altered.
    code = "import sys; print(sys.dont_write_bytecode)"
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    ended = develop(shells, "python", "-c", code, env=clean)
    assert ended.out == f"{os.geteuid() == 0 and os.access('/nix/store', os.W_OK)}\n", ended.err
    plain = run(ROOT / "ci/nix", "shell", f"{ROOT}#test-environment", "--command", "python", "-c", code, env=clean)
    assert plain.out == f"{os.geteuid() == 0}\n", plain.err


def interactive(folder: Path, typed: str) -> str:
    """Start `nix develop` on a terminal, type, and return all that the terminal showed."""
    main, side = pty.openpty()
    environment = {**os.environ, "TERM": "dumb", "PS1": "$ ", "HOME": str(folder.parent)}
    with subprocess.Popen(
        ["nix", "develop"], cwd=folder, stdin=side, stdout=side, stderr=side, env=environment, start_new_session=True
    ) as process:
        os.close(side)
        shown, end, sent = b"", time.monotonic() + 600, False
        while time.monotonic() < end:
            if select.select([main], [], [], 0.2)[0]:
                try:
                    data = os.read(main, 65536)
                except OSError:  # the other side is closed
                    break
                shown += data
            if not sent and b"leave with exit" in shown:
                os.write(main, typed.encode())
                sent = True
        process.kill()
    os.close(main)
    return shown.decode(errors="replace").replace("\r", "")


def test_banner_is_one_line_on_a_terminal_and_none_elsewhere(shells: Path) -> None:
    shown = interactive(shells, "echo answer-$((40 + 2))\nexit\n")
    assert "answer-42" in shown
    banners = [line for line in shown.splitlines() if "leave with exit" in line]
    assert len(banners) == 1
    assert "growth (default): Python 3.11." in banners[0]
    quiet = develop(shells, "true")
    assert (quiet.out, quiet.err) == ("", "")


def test_works_without_network(shells: Path) -> None:
    if run(*CUT, "true").code:
        pytest.skip("this machine does not let the user make a network namespace, so the network cannot be cut off")
    assert develop(shells, "true").code == 0
    ended = run(*CUT, "nix", "develop", "-c", "growth", "1", "2", cwd=shells, seconds=600)
    assert (ended.code, ended.out) == (0, "0.693147\n"), ended.err


def test_print_dev_env_for_direnv(shells: Path, tmp_path: Path) -> None:
    """What direnv's `use flake` evaluates in the user's bash."""
    script = nix("print-dev-env", cwd=shells)
    assert script.code == 0, script.err
    (tmp_path / "env.sh").write_text(script.out)
    command = f"set -e; . {tmp_path}/env.sh; growth 1 2; python -c 'import growth; print(growth.__file__)'"
    ended = run("bash", "-c", command, cwd=shells)
    assert (ended.code, ended.out) == (0, f"0.693147\n{shells}/src/growth/__init__.py\n"), ended.err


def test_entered_from_elsewhere_it_says_that_the_project_is_not_there(shells: Path, tmp_path: Path) -> None:
    ended = nix("develop", str(shells), "-c", "python", "-c", MODULES, cwd=tmp_path)
    assert (ended.code, ended.out) == (0, "numpy pytest mypy\n")
    assert ended.err == (
        f"growth (default): no folder above {tmp_path} has flake.nix and ./pyproject.toml, so the project itself cannot be"
        " imported; enter the shell from inside its checkout\n"
    )
