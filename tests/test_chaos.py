"""The check `chaos` in a consumer's flake: what must fail does, with its reasons."""

from __future__ import annotations

from pathlib import Path

from conftest import nix
from flakes import SYSTEM, write

FRAGILE = '''
"""Nothing here survives anything."""
import socket
import sqlite3
import subprocess
import threading

import pytest


def network(folder):
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()


def timeout(folder):
    subprocess.run(["true"], timeout=60, check=True)


def resource(folder):
    thread = threading.Thread(target=len, args=([],))
    thread.start()
    thread.join()


def database(folder):
    connection = sqlite3.connect(folder / "x.sqlite")
    connection.execute("SELECT 1")
    connection.close()


def filesystem(folder):
    (folder / "x").write_text("x")


@pytest.mark.parametrize("work", [network, timeout, resource, database, filesystem])
def test_fragile(work, tmp_path):
    for _ in range(40):
        work(tmp_path)
    assert True
'''
COMPILED = '''
"""Fails in SQLite's own code, and in the C library's."""
import sqlite3

import numpy as np


def test_sqlite(tmp_path):
    connection = sqlite3.connect(tmp_path / "x.sqlite")
    for each in range(40):
        with connection:
            connection.execute(f"CREATE TABLE t{each} (x)")
    connection.close()
    assert True


def test_numpy(tmp_path):
    for each in range(40):
        np.arange(10.0).tofile(str(tmp_path / "x"))
    assert True
'''


def configure(consumer: Path, suite: str, options: str) -> None:
    """Make a suite the whole of the consumer's tests, and set options of chaos."""
    write(
        consumer,
        {
            "control/test_control.py": suite,
            "cloche.nix": f"""{{
  cloche = {{
    src = ./.;
    tests = {{
      enable = true;
      arguments = [ "control" ];
    }};
    chaos = {{
      enable = true;
      seeds = [ 1 ];
{options}
    }};
  }};
}}
""",
        },
    )


def failing(consumer: Path) -> str:
    """Return the words of a check that fails."""
    ended = nix("build", "-L", "--no-link", f".#checks.{SYSTEM}.chaos", cwd=consumer)
    assert ended.code != 0
    return ended.err


def test_fragile_tests_fail_at_every_type(consumer: Path) -> None:
    configure(consumer, FRAGILE, '      types = [ "random" ];')
    words = failing(consumer)
    for kind, operation in (
        ("network", "socket."),
        ("timeout", "subprocess.Popen."),
        ("resource", "threading.Thread.start"),
        ("database", "sqlite3."),
        ("filesystem", "open"),
    ):
        assert f"> failed control/test_control.py::test_fragile[{kind}] (seed 1): " in words
        assert f">     {operation}" in words, kind
    assert "> survival 0/5 = 0.0%, at least 0.0% (95 %, clustered by 5 tests); " in words
    assert "> survival is at least 0.0%, less than the floor of 90.0% (cloche.chaos.floor)" in words
    assert (
        "replay: pytest --chaos --chaos-seed=1 --chaos-rate=0.1 --chaos-types=random 'control/test_control.py::test_fragile[network]'"
        in words
    )


def test_nothing_fired_fails(consumer: Path) -> None:
    configure(consumer, "def test():\n    assert True\n", "")
    assert (
        "> no fault fired, so nothing was shown: the tests make no call that cloche.chaos.types can reach below"
        in failing(consumer)
    )


def test_compiled_code_meets_faults(consumer: Path) -> None:
    configure(consumer, COMPILED, '      native = true;\n      types = [ "filesystem" ];')
    for command in ("lock", "fetch"):
        ended = nix("run", f".#{command}", cwd=consumer)
        assert ended.code == 0, ended.err
    words = failing(consumer)
    assert "> failed control/test_control.py::test_sqlite (seed 1): sqlite3.OperationalError: " in words
    assert "> failed control/test_control.py::test_numpy (seed 1): " in words
    assert ">     libc " in words


def test_options_that_contradict(consumer: Path) -> None:
    for options, message in (
        (
            "      rate = 0;",
            "cloche.chaos.rate is 0, but it is the share of calls that fail: with 0 nothing is shown; set it above 0, such as 0.1.",
        ),
        ("      rate = 1.5;", "number from 0 to 1"),
        ("      floor = 0;", "number above 0, at most 1"),
        ('      types = [ "netwrk" ];', "netwrk"),
    ):
        configure(consumer, "def test(): assert True\n", options)
        ended = nix("eval", f".#checks.{SYSTEM}.chaos.drvPath", cwd=consumer)
        assert ended.code != 0
        assert message in ended.err, ended.err
