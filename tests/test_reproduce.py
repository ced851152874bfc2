"""Building outputs again under other circumstances: what is caught, by which variation, and that nothing else is."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT, Ended, built, nix, run
from flakes import SYSTEM, add, copy, write
from machines import needs_root, temporary

PLANTED = ("cores", "date", "hashseed", "locale", "machine", "store", "timezone", "user")


def reproduce(*arguments: str | Path, cwd: Path = ROOT, **more: str) -> Ended:
    """Run the app in a flake's folder."""
    return run(ROOT / "ci/nix", "run", ".#reproduce", "--", *arguments, cwd=cwd, env=more)


def states(ended: Ended) -> dict[str, str]:
    """Return the state of each output by its last name."""
    data = json.loads(ended.out)
    assert data["version"] == 2
    return {output["attribute"].rpartition(".")[2]: output["state"] for output in data["outputs"]}


def planted(names: tuple[str, ...] = PLANTED) -> list[str]:
    return [f".#legacyPackages.{SYSTEM}.planted.{name}" for name in names]


@pytest.fixture(scope="module", autouse=True)
def made_here() -> None:
    """Have the planted packages built by this run: a former one may have had another number of processors."""
    paths = nix(
        "eval", "--json", f".#legacyPackages.{SYSTEM}.planted", "--apply", "builtins.mapAttrs (_: each: each.outPath)"
    )
    assert paths.code == 0, paths.err
    for path in json.loads(paths.out).values():
        nix("store", "delete", "--ignore-liveness", path)
        assert nix("path-info", path).code != 0


def skip_impossible(name: str) -> None:
    if name == "user" and os.geteuid() != 0:
        pytest.skip("only root can become another user")
    if name == "cores" and len(os.sched_getaffinity(0)) < 2:
        pytest.skip("this process may use one processor only")


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "name",
    [
        "timezone",
        *(pytest.param(name, marks=SLOW) for name in ("cores", "date", "locale", "hashseed", "store", "user")),
    ],
)
def test_each_variation_catches_its_planted_package_and_no_other(name: str) -> None:
    skip_impossible(name)
    ended = reproduce("--json", "--variation", name, *planted())
    assert ended.code == 1, ended.err
    # The store is always another one.
    caught = {name, "store"}
    assert states(ended) == {other: "different" if other in caught else "identical" for other in PLANTED}
    for output in json.loads(ended.out)["outputs"]:
        for finding in output["findings"]:
            assert output["attribute"].endswith(f".{''.join(finding['causes'])}")
            assert len([line for line in finding["text"].splitlines() if line.startswith(("-", "+"))]) >= 4, finding[
                "text"
            ]


def test_several_at_once_are_told_apart() -> None:
    ended = reproduce(
        "--variation", "date", "--variation", "hashseed", "--variation", "locale", *planted(("date", "locale", "store"))
    )
    assert ended.code == 1
    place = f".#legacyPackages.{SYSTEM}.planted"
    lines = ended.out.splitlines()
    assert lines[:4] == [
        f"{place}.date    different: planted-date",
        f"{place}.locale  different: planted-locale",
        f"{place}.store   different: planted-store",
        "",
    ]
    assert "planted-store: different (store)" in lines
    assert "planted-date: different (date)" in lines
    assert "planted-locale: different (locale)" in lines
    assert {"  -Thursday", "  +Perşembe"} <= set(lines)
    assert lines[-1] == "varied: date, locale, hashseed, store"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (
            ["--variation", "moon"],
            2,
            "error: there is no variation 'moon'; there are cores, date, hashseed, locale, machine, store, timezone, user",
        ),
        (
            ["--variation", "machine"],
            3,
            "error: the variation 'machine' is not possible here: name one by --machine ssh-ng://HOST",
        ),
        (["--variation", "date", "nothing"], 2, "error: . has no output 'nothing' that can be built; Nix says:"),
    ],
)
def test_wrong_arguments(arguments: list[str], code: int, words: str) -> None:
    ended = reproduce(*arguments)
    assert (ended.code, ended.out) == (code, "")
    assert words in ended.err


def test_a_variation_without_effect_is_an_error(tmp_path: Path) -> None:
    """Here the planted package is one that leaks nothing, as any is where Nix does not obey."""
    program = run("nix", "eval", "--raw", f".#apps.{SYSTEM}.reproduce.program").out
    assert reproduce("--list").code == 0
    settings = json.loads((Path(program).parent.parent / "settings.json").read_text())
    settings["planted"]["date"] = settings["planted"]["timezone"]
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    words = Path(program).read_text().splitlines()[-1].split()
    ended = run(
        words[1], "reproduce", "--settings", tmp_path / "settings.json", "--variation", "date", *planted(("store",))
    )
    assert (ended.code, ended.out) == (3, "")
    assert (
        "error: without effect here: date. A package that leaks exactly that was built again and came out the\nsame, so nothing"
        in ended.err
    )


def project_of(folder: Path, packages: str) -> Path:
    """Return a project with these packages; `bash` makes one of a script."""
    flake = f"""{{
  inputs.cloche.url = "git+file://{ROOT}";
  outputs = {{ self, cloche }}:
    let
      project = cloche.lib.mkFlake {{ inherit self; }} ({{ config, ... }}: {{
        cloche.src = ./.;
        packages =
          let
            bash = name: script: more: config.cloche.toolchain.runBash ({{ inherit name script; }} // more);
          in
          {{ {packages} }};
      }});
    in {{ inherit (project) packages apps; }};
}}
"""
    return write(folder, {"flake.nix": flake, "pyproject.toml": '[project]\nname = "p"\nversion = "1"\n'})


def findings(ended: Ended) -> dict[str, dict[str, Any]]:
    """Return the one finding of each output that has one, by the output's name."""
    outputs = json.loads(ended.out)["outputs"]
    assert all(len(output["findings"]) <= 1 for output in outputs), ended.out
    return {output["attribute"]: output["findings"][0] for output in outputs if output["findings"]}


DRAWN = "cat /proc/sys/kernel/random/uuid"
# What was recorded, and durations beside it: Nix itself would name the first output that differs, and stop.
SHAPES = f"""
  both = bash "both" "{DRAWN} > $out; {DRAWN} > $log" {{ outputs = [ "out" "log" ]; }};
  durations = bash "durations" "echo the same > $out; {DRAWN} > $log" {{ outputs = [ "out" "log" ]; }};
  second = bash "second" "echo the same > $out; {DRAWN} > $zero" {{ outputs = [ "out" "zero" ]; }};
  joined = bash "joined" "cat $durations > $out" {{ inherit (config.packages) durations; }};
  shown = bash "shown" "cat $durations > $out" {{ durations = config.packages.durations.log; }};
  above = bash "above" "cat $both > $out" {{ inherit (config.packages) both; }};
"""


def test_each_output_is_compared(tmp_path: Path, each_nix: dict[str, str]) -> None:
    """Of several that differ each is told, a log hides nothing, and what was made from one that differs is judged by itself."""
    names = ("both", "durations", "second", "joined", "shown", "above")
    ended = reproduce(
        "--json", "--variation", "store", *names, cwd=project_of(tmp_path / "project", SHAPES), **each_nix
    )
    assert ended.code == 1, ended.err
    found = {output["attribute"]: output["findings"] for output in json.loads(ended.out)["outputs"]}
    own = {
        name: [finding for finding in told if finding["derivation"].endswith(f"-{name}.drv")]
        for name, told in found.items()
    }
    assert {name for name, told in own.items() if told} == {"both", "second"}
    for name, output in (("both", "-both"), ("second", "-second-zero")):
        (finding,) = own[name]
        assert (finding["state"], finding["causes"]) == ("different", ["every time"])
        (path,) = finding["outputs"]
        assert path.endswith(output)
    assert {name for name, told in found.items() if told} == {"both", "second", "above"}


def test_what_cannot_be_built_again_and_what_always_differs(tmp_path: Path, each_nix: dict[str, str]) -> None:
    """A package that works only this year is told with its words; one that draws lots needs no variation."""
    packages = f"""
      lots = bash "lots" "{DRAWN} > $out" {{ }};
      waits = bash "waits" "python3 -c 'import time; time.sleep(0.01)'; echo > $out" {{ }};
      once = bash "once" ''[ $(date +%Y) -lt {this_year() + 1} ] || {{ echo the certificate has expired; exit 1; }}; echo > $out'' {{ }};
    """
    folder = project_of(tmp_path / "project", packages)
    ended = reproduce(
        "--json",
        "--variation",
        "date",
        "--variation",
        "timezone",
        "--shallow",
        "lots",
        "once",
        "waits",
        cwd=folder,
        **each_nix,
    )
    assert ended.code == 1, ended.err
    # Another date stops nobody who waits.
    assert states(ended) == {"lots": "different", "once": "unknown", "waits": "identical"}
    found = findings(ended)
    assert found["lots"]["causes"] == ["every time"]
    assert found["once"]["causes"] == ["date"]
    assert found["once"]["text"].startswith("it was not built again: there is no /nix/store/")
    assert "the certificate has expired" in found["once"]["text"]


def test_a_measurement_is_named_and_not_compared(tmp_path: Path) -> None:
    """What is made from it is compared, made from the same measurement."""
    packages = f"""
      samples = bash "samples" "{DRAWN} > $out" {{ measurement = true; }};
      judged = bash "judged" "cat $samples > $out" {{ inherit (config.packages) samples; }};
    """
    folder = project_of(tmp_path / "project", packages)
    ended = reproduce("--variation", "store", "samples", "judged", cwd=folder)
    assert (ended.code, ended.out.splitlines()[:2]) == (
        0,
        [
            "samples  not compared (1 derivations built again; measured, not built again: samples)",
            "judged   identical (2 derivations built again; measured, not built again: samples)",
        ],
    ), ended.err
    ended = reproduce("--variation", "store", "samples", cwd=folder)
    assert (ended.code, ended.out) == (2, "")
    assert "error: nothing to compare: samples is a measurement" in ended.err


# A disk for the second store that has room for the base and not for what is built.
FULL = """
set -eu
mount -t tmpfs -o size="$1" tmpfs "$2"
shift 2
exec "$@"
"""


@needs_root
def test_a_full_disk_is_not_the_same(tmp_path: Path, each_nix: dict[str, str]) -> None:
    packages = """
      large = bash "large" "head -c 300M /dev/zero > $out" { };
      small = bash "small" "echo > $out" { };
    """
    folder = project_of(tmp_path / "project", packages)
    disk = tmp_path / "disk"
    disk.mkdir()
    ended = {}
    for size in ("200M", "900M"):
        words = [
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-c",
            FULL,
            "sh",
            size,
            disk,
            ROOT / "ci/nix",
            "run",
            ".#reproduce",
        ]
        ended[size] = run(
            *words,
            "--",
            "--json",
            "--variation",
            "store",
            "--shallow",
            "large",
            "small",
            cwd=folder,
            env={**each_nix, "TMPDIR": str(disk)},
        )
    assert ended["200M"].code in (1, 3), ended["200M"].out + ended["200M"].err
    # Nothing can be said, or that it is unknown.
    told = states(ended["200M"]) if ended["200M"].code == 1 else {"large": "unknown"}
    assert told["large"] == "unknown", ended["200M"].out
    assert "No space left on device" in ended["200M"].out + ended["200M"].err
    # The control: with room it is the same.
    assert ended["900M"].code == 0, ended["900M"].out + ended["900M"].err


def test_a_killed_nix_is_not_the_same(tmp_path: Path) -> None:
    """Its builds have begun, and it ends as by the kernel's killer of processes that take too much memory."""
    nix_itself = shutil.which("nix")
    folder = project_of(tmp_path / "project", 'same = bash "same" "echo > $out" { };')
    programs = tmp_path / "bin"
    programs.mkdir()
    killed = programs / "nix"
    killed.write_text(
        f"""#!/bin/sh
case " $* " in
  *" build "*"/store "*) echo killed >>{tmp_path}/killed; kill -9 $$ ;;
esac
exec {nix_itself} "$@"
"""
    )
    killed.chmod(0o755)
    ended = reproduce("--json", "--variation", "store", "same", cwd=folder, PATH=f"{programs}:{os.environ['PATH']}")
    assert (ended.code, ended.out) == (3, ""), ended.err
    assert (tmp_path / "killed").exists()
    assert "error: Nix was ended by signal 9 while it built; Nix says:" in ended.err
    # The control.
    assert reproduce("--json", "--variation", "store", "same", cwd=folder).code == 0


def this_year() -> int:
    """Return the year by the clock of this machine."""
    return int(run("date", "+%Y").out)


@pytest.mark.slow
def test_project_is_the_same_again(growth: Path) -> None:
    """The wheel, its unpacked form, the environments, the application and the outcomes of a small project."""
    arguments = [word for name in ("cores", "date", "timezone", "locale", "hashseed") for word in ("--variation", name)]
    if len(os.sched_getaffinity(0)) < 2:
        arguments = arguments[2:]
    ended = reproduce(*arguments, cwd=growth)
    assert ended.code == 0, ended.out + ended.err
    lines = ended.out.splitlines()
    assert [line.split()[:2] for line in lines[:5]] == [
        ["default", "identical"],
        ["env", "identical"],
        ["sdist", "identical"],
        ["test-results", "identical"],
        ["wheel", "identical"],
    ]


@pytest.mark.slow
def test_everything_that_the_demo_builds_is_the_same_again_and_elsewhere(other_machine: tuple[str, str]) -> None:
    """All packages, with all that they are built from, under every variation: another store, user and machine included."""
    address, options = other_machine
    ended = reproduce("--json", "--machine", address, cwd=ROOT / "examples/branin", NIX_SSHOPTS=options)
    assert ended.code == 0, ended.out + ended.err
    data = json.loads(ended.out)
    listed = nix("eval", "--json", f"{ROOT}/examples/branin#packages.{SYSTEM}", "--apply", "builtins.attrNames")
    assert [output["attribute"] for output in data["outputs"]] == json.loads(listed.out)
    assert {"default", "env", "image", "provenance", "sbom", "sdist", "test-results", "wheel"} <= set(
        json.loads(listed.out)
    )
    assert {output["state"] for output in data["outputs"]} == {"identical"}
    # Samples are no function of their inputs; what is made of them is compared, made of the same ones.
    assert {output["attribute"] for output in data["outputs"] if output["measurements"]} == {"performance", "profile"}
    assert sorted(data["variations"]) == list(PLANTED)
    assert data["notVaried"] == {}
    assert max(output["derivations"] for output in data["outputs"]) > 30


# --- the check ------------------------------------------------------------------------------------------------------

# A build backend of the project's own, which writes the date into its wheel.
BACKEND = """
import pathlib, tarfile, time, zipfile
def build_sdist(directory, config_settings=None):
    with tarfile.open(pathlib.Path(directory, "leaky-1.tar"), "w") as archive:
        archive.addfile(tarfile.TarInfo("leaky-1/PKG-INFO"))
    return "leaky-1.tar"
def build_wheel(directory, config_settings=None, metadata_directory=None):
    files = {
        "leaky.py": f"built = {WHAT}\\n",
        "leaky-1.dist-info/METADATA": "Metadata-Version: 2.1\\nName: leaky\\nVersion: 1\\n",
        "leaky-1.dist-info/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    import base64, hashlib
    rows = [f"{n},sha256={base64.urlsafe_b64encode(hashlib.sha256(t.encode()).digest()).rstrip(b'=').decode()},{len(t)}" for n, t in files.items()]
    files["leaky-1.dist-info/RECORD"] = "\\n".join([*rows, "leaky-1.dist-info/RECORD,,"])
    with zipfile.ZipFile(pathlib.Path(directory, "leaky-1-py3-none-any.whl"), "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return "leaky-1-py3-none-any.whl"
"""
LEAKS = {
    "date": "time.gmtime().tm_year",
    "timezone": "time.localtime(0).tm_hour",
    "hashseed": "hash('a')",
    "nothing": "0",
}


@pytest.mark.parametrize("leak", ["date", *(pytest.param(leak, marks=SLOW) for leak in LEAKS if leak != "date")])
def test_the_check_finds_what_a_wheel_leaks(leak: str, growth: Path, tmp_path: Path) -> None:
    """The same project, but for one expression, passes and fails."""
    files = {
        "flake.nix": (growth / "flake.nix").read_text(),
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["."]\n[project]\nname = "leaky"\nversion = "1"\nrequires-python = ">=3.11"\n',
        "own.py": BACKEND.replace("WHAT", LEAKS[leak]),
        "cloche.nix": '{ cloche = { src = ./.; reproduce.enable = true; reproduce.variations = [ "date" "hashseed" "timezone" ]; }; }',
    }
    folder = write(tmp_path / "project", files)
    assert run(ROOT / "ci/nix", "run", ".#lock", cwd=folder).code == 0
    assert run(ROOT / "ci/nix", "run", ".#fetch", cwd=folder).code == 0
    add(folder)
    ended = nix("build", "--no-link", "--print-out-paths", "-L", f".#checks.{SYSTEM}.reproducible", cwd=folder)
    if leak == "nothing":
        assert Path(built(ended)).name.endswith("-leaky-reproducible")
        return
    assert ended.code == 1
    assert (
        "built again with other circumstances (date, hashseed, timezone), not everything came out the same:"
        in ended.err
    )
    assert "leaky-1/lib/python3.11/site-packages/leaky.py: from byte " in ended.err


# --- for verify -----------------------------------------------------------------------------------------------------


def dumped(path: str | Path) -> str:
    """Return the hash of a NAR in the form that Nix tells it."""
    digest = bytes.fromhex(run("sh", "-c", 'nix-store --dump "$0" | sha256sum', path).out.split()[0])
    return f"sha256-{base64.b64encode(digest).decode()}"


@pytest.mark.slow
def test_rebuild_builds_and_hashes_as_nix_store_dump_does(growth: Path) -> None:
    from cloche.reproduce import rebuild

    with rebuild(f"git+file://{growth}", "wheel") as result:
        place = result.place(Path(result.path))
        assert place != Path(result.path)
        assert (result.closure[result.path], result.derivation[-4:]) == (dumped(place), ".drv")
    assert not place.exists()
    # From a folder it is the same, and says what was evaluated.
    folder = copy(growth, growth.parent / "copy")
    run("rm", "-rf", folder / ".git")
    with rebuild("not used", "wheel", source=folder) as again:
        assert (again.path, again.closure) == (result.path, result.closure)
        assert again.source_nar_hash == run("nix", "hash", "path", folder).out.strip()


def odd(folder: Path, attribute: str) -> str:
    """Return a flake with one package."""
    flake = f"""{{
  inputs.cloche.url = "git+file://{ROOT}";
  outputs = {{ self, cloche }}:
    let toolchain = import (cloche + "/pkgs/toolchain") {{ system = "{SYSTEM}"; }};
    in {{ packages.{SYSTEM}.odd = {attribute}; }};
}}
"""
    write(folder, {"flake.nix": flake})
    return f"git+file://{folder}"


@pytest.mark.slow
def test_rebuild_believes_nothing_that_was_built_before(tmp_path: Path) -> None:
    from cloche.reproduce import rebuild

    # Of this test alone, so that no earlier run has left it in the store.
    drawn = f'toolchain.runBash {{ name = "odd"; script = "{DRAWN} > $out # {uuid.uuid4()}"; }}'
    reference = odd(tmp_path / "odd", drawn)
    here = dumped(built(nix("build", "--no-link", "--print-out-paths", f"{reference}#odd")))
    made = set()
    for _ in range(2):
        with rebuild(reference, "odd") as result:
            made.add(result.closure[result.path])
    assert len(made | {here}) == 3
    # Neither is it believed as an input of something else.
    above = odd(
        tmp_path / "above", f'toolchain.runBash {{ name = "above"; odd = {drawn}; script = "cat $odd > $out"; }}'
    )
    with rebuild(above, "odd") as result:
        assert result.closure[result.path] not in made | {here}


def test_rebuild_of_what_cannot_be_built_is_told(
    tmp_path: Path, each_nix: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from cloche.errors import ClocheError
    from cloche.reproduce import rebuild

    for name, value in each_nix.items():
        monkeypatch.setenv(name, value)
    failing = odd(tmp_path / "odd", 'toolchain.runBash { name = "odd"; script = "echo it has expired; exit 1"; }')
    with pytest.raises(ClocheError) as refused, rebuild(failing, "odd"):
        pytest.fail("nothing was built")
    assert "-odd.drv was built again and there is no /nix/store/" in refused.value.message
    assert "it has expired" in refused.value.message


@pytest.mark.parametrize(
    ("attribute", "words"),
    [
        (
            'derivation { name = "odd"; system = "x"; builder = builtins.getEnv "HOME" + builtins.readFile /etc/hostname; }',
            "pure evaluation mode",
        ),
        ('import (toolchain.runBash { name = "made"; script = "echo 1 > $out"; })', "allow-import-from-derivation"),
    ],
)
def test_rebuild_evaluates_purely(attribute: str, words: str, tmp_path: Path) -> None:
    from cloche.errors import ClocheError
    from cloche.reproduce import rebuild

    with pytest.raises(ClocheError) as refused, rebuild(odd(tmp_path / "odd", attribute), "odd"):
        pytest.fail("it was built")
    assert words in refused.value.message


# --- another machine ------------------------------------------------------------------------------------------------

# A view of this machine with a disk of its own for /nix, an ssh server, and its user, which sshd asks for.
OTHER = """
set -eu
mount -t tmpfs tmpfs "$1/disk"
mkdir -p "$1/disk/nix"
mount --bind "$1/disk/nix" /nix
mount -t tmpfs tmpfs /run
mkdir /run/sshd /run/folder
# A /tmp of its own, too, where the second store is: what programs of this machine use is not collected there.
mount --bind "$1" /run/folder
mount -t tmpfs tmpfs /tmp
mkdir -p "$1"
mount --bind /run/folder "$1"
# The folder, not the file: a mount on a file ends when the file is replaced outside, as useradd does.
cp -a /etc "$1/etc"
echo sshd:x:61001:65534::/run/sshd:/usr/sbin/nologin >> "$1/etc/passwd"
mount --bind "$1/etc" /etc
export LD_LIBRARY_PATH="$1/debs/usr/lib/$(uname -m)-linux-gnu"
exec "$1/debs/usr/sbin/sshd" -D -e -f "$1/sshd_config"
"""
SSHD = """
ListenAddress 127.0.0.1
Port PORT
HostKey FOLDER/host
AuthorizedKeysFile FOLDER/user.pub
PidFile none
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
"""
# Nix there, which tells builds of another kernel.
DAEMON = """#!/bin/sh
export NIX_CONFIG='build-users-group =
sandbox = true
sandbox-fallback = false
sandbox-paths =
substituters ='
exec setarch "$(uname -m)" --uname-2.6 PROGRAM-daemon "$@"
"""


@pytest.fixture
def other_machine() -> Iterator[tuple[str, str]]:
    """Yield the address of a Nix that is reached by ssh, and the options that ssh needs for it."""
    if os.geteuid() != 0:
        pytest.skip("an ssh server with a view of its own needs root")
    with temporary("ssh") as folder:
        for name in ("debs", "disk"):
            (folder / name).mkdir()
        brought = run("apt-get", "download", "openssh-server", "libwrap0", cwd=folder)
        if brought.code:
            pytest.skip(f"openssh-server cannot be brought: {brought.err.strip()[-200:]}")
        for package in folder.glob("*.deb"):
            assert run("dpkg-deb", "-x", package, folder / "debs").code == 0
        for name in ("host", "user"):
            assert run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name).code == 0
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        (folder / "sshd_config").write_text(SSHD.replace("FOLDER", str(folder)).replace("PORT", port))
        (folder / "nix-daemon").write_text(DAEMON.replace("PROGRAM", str(shutil.which("nix"))))
        (folder / "nix-daemon").chmod(0o755)
        command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", OTHER, "sh", str(folder)]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(command, stderr=log)
        try:
            while "listening" not in (folder / "log").read_text():
                assert server.poll() is None, (folder / "log").read_text()
                time.sleep(0.1)
            options = f"-p {port} -i {folder}/user -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
            yield f"ssh-ng://root@127.0.0.1?remote-program={folder}/nix-daemon", options
        finally:
            server.terminate()
            server.wait()
            # Shown where the test failed.
            print((folder / "log").read_text()[-2000:])  # noqa: T201


@pytest.mark.slow
def test_another_machine_by_ssh(other_machine: tuple[str, str], growth: Path) -> None:
    """A real ssh server on the loopback device, with a store of its own; its kernel calls itself another one."""
    address, options = other_machine
    ended = reproduce("--json", "--variation", "machine", "--machine", address, *planted(), NIX_SSHOPTS=options)
    assert ended.code == 1, ended.err
    assert states(ended) == {name: "different" if name in {"machine", "store"} else "identical" for name in PLANTED}
    ended = reproduce("--variation", "machine", "--machine", address, cwd=growth, NIX_SSHOPTS=options)
    assert ended.code == 0, ended.out + ended.err
    assert ended.out.endswith("varied: store, machine\n")
