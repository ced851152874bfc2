"""ci/nix on machines of all kinds: fresh, crowded, interrupted, old, locked down, offline, with a daemon, without root."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conftest import ROOT, Ended, run
from machines import HOST_PATH, OFFLINE, Machine, alone, copy_of, needs_root, temporary

SMALL = f"""(import {ROOT}/pkgs/toolchain {{ system = builtins.currentSystem; }}).runBash {{
  name = "small"; script = "echo built > $out";
}}"""


@pytest.fixture
def user() -> Iterator[str]:
    """Return the name of an ordinary user made for the test."""
    name = f"cloche-test-{os.getpid()}"
    made = run("useradd", "--no-create-home", name)
    assert made.code == 0, made.err
    yield name
    run("userdel", name)


def fake_nix(folder: Path, version: str, real: Path) -> Path:
    """Make a nix which says that it is of some version, notes how it was called, and passes on the rest."""
    folder.mkdir()
    program = folder / "nix"
    program.write_text(
        f'#!/bin/sh\necho "$@" >>{folder}/calls\n[ "$1" != --version ] || {{ echo "nix (Nix) {version}"; exit; }}\nexec {real} "$@"\n'
    )
    program.chmod(0o755)
    # Both are older than any mark that is made from now on.
    os.utime(program, (0, 0))
    return program


def test_two_at_once_on_a_fresh_machine(machine: Machine) -> None:
    checked = machine.nix("store", "verify", "--all", "--no-trust")
    assert checked.code == 0, checked.err
    assert list((machine.marks / "seeds").rglob("*=")) != []


def logging_programs(folder: Path) -> tuple[str, Path]:
    """Return a PATH on which every program of this machine notes its name in a file before it runs."""
    log, programs = folder / "log", folder / "programs"
    programs.mkdir()
    noting = programs / ".noting"
    noting.write_text(
        f"""#!/bin/sh
echo "${{0##*/}}" >>{log}
for place in {HOST_PATH.replace(":", " ")}; do [ ! -x "$place/${{0##*/}}" ] || exec "$place/${{0##*/}}" "$@"; done
"""
    )
    noting.chmod(0o755)
    for place in HOST_PATH.split(":"):
        for program in Path(place).iterdir():
            if not (programs / program.name).exists():
                (programs / program.name).symlink_to(noting)
    return str(programs), log


def test_a_second_call_does_nothing_but_nix(machine: Machine, tmp_path: Path) -> None:
    """Programs are counted, on a PATH where each notes that it was started."""
    path, log = logging_programs(tmp_path)
    real = machine.home / ".cache/cloche/nix/bin"
    nix = fake_nix(tmp_path / "nix", "2.26.0", real / "nix")
    (nix.parent / "nix-store").symlink_to(real / "nix-store")
    with temporary("second") as folder:
        other = copy_of(machine, folder)

        def started() -> tuple[list[str], list[str]]:
            """Return the programs that a call starts, and how it calls Nix."""
            for file in (log, nix.parent / "calls"):
                file.unlink(missing_ok=True)
            ended = other.nix("eval", "--expr", "1", PATH=f"{nix.parent}:{path}", prefix=[])
            assert (ended.code, ended.out) == (0, "1\n"), ended.err
            return log.read_text().splitlines(), (nix.parent / "calls").read_text().splitlines()

        first, second = started(), started()
    # The first one is the control: it finds out about Nix, and makes sure of the seed.
    assert "sh" in first[0]
    assert first[1][0] == "--version"
    assert len(first[1]) > 2
    # What the machine is, who asks, and whose the cache is; and Nix, once, with nothing but what it was called with.
    # Without root the other machine is a user namespace, where one more file of /proc tells who nobody is.
    others = [] if os.geteuid() == 0 else ["cat"]
    assert sorted(second[0]) == [*others, "id", "ls", "readlink", "readlink", "true", "uname", "unshare"]
    assert second[1] == [f"--store {other.store} eval --expr 1"]


def test_a_nix_on_path_is_used_when_it_is_new_enough(machine: Machine, tmp_path: Path) -> None:
    real = machine.home / ".cache/cloche/nix/bin/nix"
    for version, used in (("2.26.0", True), ("2.18.1", False), ("3.0", True), ("2.3.16", False)):
        program = fake_nix(tmp_path / version, version, real)
        ended = machine.nix("eval", "--expr", "40 + 2", PATH=f"{program.parent}:{HOST_PATH}", prefix=[])
        assert (ended.code, ended.out) == (0, "42\n"), ended.err
        calls = (program.parent / "calls").read_text().splitlines()
        assert ([call for call in calls if "eval" in call] != []) is used
        assert (f"ci/nix: {program} is version {version}, older than 2.26, and is left alone" in ended.err) is not used


def test_a_nix_that_was_never_tried_is_told_once(machine: Machine, tmp_path: Path) -> None:
    real = machine.home / ".cache/cloche/nix/bin/nix"
    for version, tried in (("2.26.3", True), ("2.33.1", True), ("2.34.8", True), ("2.35.0", False), ("3.0", False)):
        program = fake_nix(tmp_path / version, version, real)
        for first in (True, False):
            ended = machine.nix("eval", "--expr", "40 + 2", PATH=f"{program.parent}:{HOST_PATH}", prefix=[])
            assert (ended.code, ended.out) == (0, "42\n"), ended.err
            words = f"ci/nix: warning: {program} is version {version}; the newest that Cloche was tried with is 2.34 (docs/toolchain.md)\n"
            assert (words in ended.err) is (first and not tried), ended.err


def test_each_nix_evaluates_and_builds(each_nix: dict[str, str]) -> None:
    """A smoke test under the oldest and the newest Nix, in the same store."""
    version = run("nix", "--version", env=each_nix).out.split()[-1]
    example = f"{ROOT}/examples/branin"
    shown = run(ROOT / "ci/nix", "flake", "show", "--json", example, env=each_nix)
    assert shown.code == 0, shown.err
    assert "wheel" in shown.out
    names = {}
    for kind in ("this", "each"):
        told = run(ROOT / "ci/nix", "eval", "--raw", f"{example}#wheel.drvPath", env=each_nix if kind == "each" else {})
        assert told.code == 0, told.err
        names[kind] = told.out
    assert names["this"] == names["each"], version
    new = SMALL.replace("echo built", f"echo {uuid.uuid4()}")
    ended = run(ROOT / "ci/nix", "build", "--print-out-paths", "--no-link", "--impure", "--expr", new, env=each_nix)
    assert Path(ended.out.strip()).read_text().strip() in new, ended.err
    ended = run(
        ROOT / "ci/nix",
        "develop",
        "-c",
        "python",
        "-c",
        "import branin; print('here')",
        cwd=Path(example),
        env=each_nix,
    )
    assert (ended.code, ended.out.splitlines()[-1:]) == (0, ["here"]), ended.err


def test_a_host_that_is_neither_nix_nor_debian_gets_three_ways(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for folder in ("/bin", "/usr/bin"):
        for program in Path(folder).iterdir():
            if not program.name.startswith(("apt", "dpkg", "nix")) and not (programs / program.name).exists():
                (programs / program.name).symlink_to(program)
    ended = alone(ROOT / "ci/nix", "--version", environment={"HOME": str(tmp_path), "PATH": str(programs)})
    assert ended.code == 3
    assert ended.err == (
        "ci/nix: there is no nix >= 2.26 on PATH, and this machine has no apt-get to bring one from Debian's archive.\n"
        "Install Nix in one of these three ways, then run this command again:\n"
        "  - the system's package manager (nix-bin on Debian 13 and Ubuntu, nix on Fedora, Arch and Alpine)\n"
        "  - the installer of the Nix project (see the manual's chapter 'Installation')\n"
        "  - a Debian 12 or newer container or chroot with this checkout in it, where ci/nix needs only apt-get\n"
    )


def test_without_user_namespaces_nothing_is_built(machine: Machine) -> None:
    for limit, code in ((0, 3), (1000, 0)):
        inside = [
            "unshare",
            "--user",
            "--map-root-user",
            "sh",
            "-c",
            f'echo {limit} >/proc/sys/user/max_user_namespaces; exec "$@"',
            "sh",
        ]
        ended = machine.nix("eval", "--expr", "1", prefix=inside)
        assert ended.code == code, ended.err
        assert ("builds could not be sandboxed, and none is done without" in ended.err) is (code == 3)
        assert ("sysctl -w user.max_user_namespaces=15000" in ended.err) is (code == 3)


def test_what_git_does_not_know_is_warned_about(machine: Machine, tmp_path: Path) -> None:
    folder = tmp_path / "with a blank"
    folder.mkdir()
    (folder / "flake.nix").write_text("{ outputs = _: { x = 1; }; }")
    (folder / "known.py").touch()
    run("git", "init", "-q", cwd=folder)
    run("git", "add", "-A", cwd=folder)
    for name in ("test_new.py", "cloche.lock", "notes.txt"):
        (folder / name).touch()
    ended = machine.nix("flake", "check", "--no-build", cwd=folder)
    warned = [line for line in ended.err.splitlines() if "not known to git" in line]
    assert warned == [
        f"ci/nix: warning: {folder}/{name} is not known to git, so the flake does not see it ('git add -N' is enough)"
        for name in ("cloche.lock", "test_new.py")
    ]


@needs_root
def test_a_checkout_of_another_user_is_explained(machine: Machine, tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / "flake.nix").write_text("{ outputs = _: { x = 1; }; }")
    run("git", "init", "-q", cwd=folder)
    run("git", "add", "-A", cwd=folder)
    run("chown", "-R", "nobody", folder)
    ended = machine.nix("flake", "check", "--no-build", cwd=folder)
    assert ended.code == 3
    assert "this checkout belongs to another user (nobody)" in ended.err
    # The cure that is named is one.
    cure = next(line for line in ended.err.splitlines() if "safe.directory" in line).strip()
    run("sh", "-c", cure, cwd=folder, env={"HOME": str(machine.home)})
    try:
        ended = machine.nix("flake", "check", "--no-build", cwd=folder)
    finally:
        (machine.home / ".gitconfig").unlink()
    assert ended.code == 0, ended.err


def test_substituters_are_asked_once_and_can_be_set(machine: Machine) -> None:
    mark = machine.home / ".cache/cloche/substituters"
    assert mark.read_text() == "no\n"
    for given, expected in (("no", ""), ("yes", "file:///nowhere")):
        ended = machine.nix("config", "show", "substituters", CLOCHE_SUBSTITUTERS=given, NIX_CONFIG="")
        assert ended.code == 0, ended.err
        assert (ended.out.strip() == "") is (expected == ""), ended.out
    assert machine.nix("config", "show", "substituters").out.strip() == ""


class Counting(threading.Thread):
    """A proxy that answers nobody, and counts who asked."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.server = socket.create_server(("127.0.0.1", 0))
        self.asked = 0

    def run(self) -> None:
        """Hang up on everybody."""
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            self.asked += 1
            connection.close()

    @property
    def variables(self) -> dict[str, str]:
        """The variables by which programs know the proxy."""
        address = f"http://127.0.0.1:{self.server.getsockname()[1]}"
        return dict.fromkeys(
            ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), address
        )


def test_offline_nothing_waits(machine: Machine) -> None:
    """Nothing is asked for over the network, so there is nothing to wait for: requests are counted by a proxy."""

    def asked(**more: str) -> int:
        """Return how often the network was asked while something new was built."""
        counting = Counting()
        counting.start()
        new = SMALL.replace("echo built", f"echo {uuid.uuid4()}")
        variables = counting.variables | more
        ended = machine.nix("build", "--no-link", "--impure", "--expr", new, cwd=ROOT, prefix=[], **variables)
        counting.server.shutdown(socket.SHUT_RDWR)
        counting.server.close()
        assert ended.code == 0, ended.err
        return counting.asked

    assert asked() == 0
    # The control: who says that a cache shall be used, asks it.
    cache = "substituters = http://cache.invalid\ndownload-attempts = 1\nfallback = true"
    assert asked(CLOCHE_SUBSTITUTERS="yes", NIX_CONFIG=cache) > 0


def test_the_place_of_a_result_is_told(machine: Machine, tmp_path: Path) -> None:
    for arguments, link in (([], "result"), (["-o", "other"], "other")):
        ended = machine.nix("build", "--impure", "--expr", SMALL, *arguments, cwd=tmp_path)
        assert ended.code == 0, ended.err
        place = ended.err.split("which on this disk is ")[1].strip()
        assert f"ci/nix: {link} names /nix/store/" in ended.err
        assert Path(place).read_text() == "built\n"


def test_a_relative_store_is_the_same_store(machine: Machine) -> None:
    words: list[str | Path] = [*OFFLINE, ROOT / "ci/nix", "--store", f"./{machine.store.name}", "eval", "--expr", "1"]
    ended = alone(*words, cwd=machine.folder, environment=machine.environment())
    assert (
        ended.code,
        ended.out,
        ended.err.replace("warning: you don't have Internet access; disabling some network-dependent features\n", ""),
    ) == (0, "1\n", "")


def test_the_garbage_collector_leaves_the_seed(machine: Machine) -> None:
    with temporary("gc") as folder:
        other = copy_of(machine, folder)
        # The copy knows nothing of what it has: finding that out brings nothing anew, and makes the roots.
        assert other.nix("build", "--no-link", "--impure", "--expr", SMALL).code == 0
        assert other.nix("store", "gc").code == 0
        ended = other.nix("build", "--no-link", "--impure", "--expr", SMALL, CLOCHE_SOURCES="/nonexistent")
        assert ended.code == 0, ended.err
        # It stays because of its root. (Removing the root and collecting would show the same, were not all processes of
        # this machine roots too.) When it goes nevertheless, its mark is not trusted.
        (mark,) = [path for path in (other.marks / "seeds").rglob("*") if path.is_symlink()]
        settings = other.environment(NIX_CONFIG=f"store = {other.store}\nsubstituters =")
        store = other.home / ".cache/cloche/nix/bin/nix-store"
        assert f"{mark} -> {mark.readlink()}" in alone(store, "--gc", "--print-roots", environment=settings).out
        deleted = alone(store, "--delete", "--ignore-liveness", mark.readlink(), environment=settings)
        assert deleted.code == 0, deleted.err
        ended = other.nix("eval", "--expr", "1", CLOCHE_SOURCES="/nonexistent")
        assert ended.code == 3
        assert "is not in the archive /nonexistent; make it again with 'nix run .#vendor'" in ended.err


def await_and_kill(machine: Machine, happened: Callable[[], bool]) -> None:
    """Start ci/nix on the machine and kill it with all it has started as soon as something has happened."""
    words = ["env", "-i", *(f"{name}={value}" for name, value in machine.environment().items()), *OFFLINE]
    command = [*words, str(ROOT / "ci/nix"), "--store", str(machine.store), "eval", "--expr", "1"]
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not happened():
        time.sleep(0.01)
    assert process.poll() is None, "it ended before it could be killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_a_killed_call_breaks_nothing(archive: Path) -> None:
    if not (archive / "nix/SHA256SUMS").exists():
        pytest.skip("Nix did not come from Debian's archive here (ci/nix found one on PATH), so the archive has none")
    with temporary("killed") as folder:
        machine = Machine(folder, archive)
        machine.home.mkdir()
        cache, store = machine.home / ".cache/cloche", machine.store / "nix/store"
        await_and_kill(machine, lambda: any(cache.glob("nix.new.*/root/usr/lib")))
        await_and_kill(machine, (machine.marks / "seed.new/tree/usr").exists)
        # The seed is on the disk, but not yet valid: the next call must not believe its eyes.
        await_and_kill(machine, lambda: store.is_dir() and any("cloche-seed" in path.name for path in store.iterdir()))
        await_and_kill(
            machine, lambda: store.is_dir() and any(path.name.endswith("cloche-base") for path in store.iterdir())
        )
        ended = machine.nix("build", "--no-link", "--impure", "--expr", SMALL)
        assert ended.code == 0, ended.err
        assert machine.nix("store", "verify", "--all", "--no-trust").code == 0
        assert not list(cache.glob("nix.new.*"))
        assert not (machine.marks / "seed.new").exists()


def as_user(user: str, home: Path, archive: Path, *words: str | Path, checkout: Path) -> Ended:
    """Run a command as an ordinary user, in a checkout of their own."""
    environment = [f"HOME={home}", f"PATH={HOST_PATH}", f"CLOCHE_SOURCES={archive}"]
    return run(*OFFLINE, "runuser", "-u", user, "--", "env", "-i", *environment, *words, cwd=checkout)


def furnish(user: str, folder: Path) -> tuple[Path, Path]:
    """Return a home and a checkout that belong to the user."""
    home, checkout = folder / "home", folder / "checkout"
    home.mkdir()
    run("git", "clone", "-q", ROOT, checkout)
    for path in ("ci", "pkgs", "python/src"):
        shutil.rmtree(checkout / path)
        shutil.copytree(ROOT / path, checkout / path, ignore=shutil.ignore_patterns("__pycache__"))
    run("chown", "-R", user, home, checkout)
    return home, checkout


@needs_root
def test_an_ordinary_user_builds_in_a_store_at_home(machine: Machine, user: str) -> None:
    with temporary("user") as folder:
        home, checkout = furnish(user, folder)
        root = home / ".local/share/nix/root"
        root.parent.mkdir(parents=True)
        run("cp", "-a", machine.store, root)
        run("chown", "-R", user, home)
        small = SMALL.replace(str(ROOT), str(checkout))
        ended = as_user(
            user, home, machine.archive, checkout / "ci/nix", "build", "--impure", "--expr", small, checkout=checkout
        )
        assert ended.code == 0, ended.err
        place = Path(ended.err.split("which on this disk is ")[1].strip())
        assert place.is_relative_to(root)
        assert place.read_text() == "built\n"
        assert pwd.getpwuid(place.stat().st_uid).pw_name == user


@needs_root
def test_a_daemon_is_asked_nothing_that_it_refuses(machine: Machine, user: str) -> None:
    with temporary("daemon") as folder:
        home, checkout = furnish(user, folder)
        run("cp", "-a", machine.store / "nix", folder / "nix")
        nix = machine.home / ".cache/cloche/nix/bin"
        settings = (
            "extra-experimental-features = nix-command flakes\n"
            "build-users-group =\n"
            "sandbox = true\n"
            "sandbox-fallback = false\n"
            "sandbox-paths =\n"
            "substituters ="
        )
        words = " ".join(
            f"{name}='{value}'"
            for name, value in {"HOME": home, "PATH": HOST_PATH, "CLOCHE_SOURCES": machine.archive}.items()
        )
        small = SMALL.replace(str(ROOT), str(checkout))
        script = folder / "script"
        script.write_text(f"""set -e
mount --bind {folder}/nix /nix
NIX_CONFIG='{settings}' HOME={folder} {nix}/nix-daemon >{folder}/daemon.log 2>&1 &
trap 'kill $!' EXIT
for _ in $(seq 100); do [ ! -S /nix/var/nix/daemon-socket/socket ] || break; sleep 0.1; done
as_user() {{ runuser -u {user} -- env -i {words} "$@"; }}
cd {checkout}
as_user ci/nix store info
as_user ci/nix build --print-out-paths --impure --expr '{small}'
cat result
echo control >&2
as_user NIX_CONFIG='sandbox-paths = /usr' ci/nix store info
""")
        ended = alone("unshare", "--mount", "--net", "sh", script, environment={"PATH": HOST_PATH}, cwd=folder)
        assert ended.code == 0, ended.err + (folder / "daemon.log").read_text()
        assert "Store URL: daemon" in ended.err + ended.out
        assert "Trusted: 0" in ended.err + ended.out
        assert ended.out.rstrip().endswith("built") or "built\n" in ended.out
        ours, control = ended.err.split("control\n")
        assert "restricted setting" not in ours
        # The control: what a client may not set is warned about.
        assert "restricted setting" in control + (folder / "daemon.log").read_text()


@pytest.mark.slow
@needs_root
def test_an_ordinary_user_starts_from_nothing(archive: Path, user: str) -> None:
    with temporary("user") as folder:
        home, checkout = furnish(user, folder)
        example = checkout / "examples/branin"
        ended = as_user(
            user, home, archive, checkout / "ci/nix", "run", ".#default", "--", "--version", checkout=example
        )
        assert ended.code == 0, ended.err
        assert "branin" in ended.out
