"""Images in podman and docker as Debian has them, brought for these tests alone: loaded, run, and loaded again after an edit."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import ROOT, Ended, run
from flakes import FLAKE, copy
from machines import needs_root, temporary
from test_images import BRANIN, sent, tools, with_small_image  # noqa: F401 - a fixture

pytestmark = [pytest.mark.slow, needs_root]
PACKAGES = {
    "podman": (
        "podman",
        "conmon",
        "libgpgme11",
        "libassuan0",
        "libsubid4",
        "libseccomp2",
        "libdevmapper1.02.1",
        "libyajl2",
    ),
    "docker": ("docker.io", "containerd", "libdevmapper1.02.1", "libseccomp2"),
}
PODMAN = """#!/bin/sh
export LD_LIBRARY_PATH=FOLDER/root/usr/lib/MACHINE-linux-gnu HOME=FOLDER/home
exec FOLDER/root/usr/bin/podman --root FOLDER/storage --runroot FOLDER/run --storage-driver vfs --cgroup-manager cgroupfs \\
  --events-backend file --conmon FOLDER/root/usr/bin/conmon --runtime RUNC "$@"
"""


def bring(name: str, folder: Path) -> None:
    """Unpack Debian's packages of a program; skip where they cannot be had."""
    brought = run("apt-get", "download", *PACKAGES[name], cwd=folder)
    if brought.code:
        pytest.skip(f"{name} cannot be brought: {brought.err.strip()[-200:]}")
    for package in folder.glob("*.deb"):
        assert run("dpkg-deb", "-x", package, folder / "root").code == 0
    (folder / "bin").mkdir()
    (folder / "home/.config/containers").mkdir(parents=True)
    # Debian's own lies in /etc. What is loaded comes from this machine.
    (folder / "home/.config/containers/policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')


@pytest.fixture(scope="module")
def podman(tools: Path) -> Iterator[Path]:  # noqa: F811 - the fixture
    """Return the folder of a podman with a storage of its own."""
    with temporary("podman") as folder:
        bring("podman", folder)
        program = folder / "bin/podman"
        text = (
            PODMAN.replace("FOLDER", str(folder))
            .replace("MACHINE", os.uname().machine)
            .replace("RUNC", str(tools / "runc"))
        )
        program.write_text(text)
        program.chmod(0o755)
        yield program.parent


@pytest.fixture(scope="module")
def docker(tools: Path) -> Iterator[Path]:  # noqa: F811 - the fixture
    """Return the folder of a docker whose daemon runs for these tests."""
    with temporary("docker") as folder:
        bring("docker", folder)
        root, socket = folder / "root/usr", f"unix://{folder}/socket"
        (folder / "bin/docker").write_text(
            f'#!/bin/sh\nDOCKER_HOST={socket} HOME={folder}/home exec {root}/bin/docker "$@"\n'
        )
        (folder / "bin/docker").chmod(0o755)
        path = f"{root}/bin:{root}/sbin:{tools}:{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "LD_LIBRARY_PATH": f"{root}/lib/{os.uname().machine}-linux-gnu"}
        words: list[str | Path] = [
            "--data-root",
            folder / "data",
            "--exec-root",
            folder / "exec",
            "--pidfile",
            folder / "pid",
            "-H",
            socket,
        ]
        words += ["--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver", "vfs"]
        with (folder / "log").open("wb") as log:
            daemon = subprocess.Popen([root / "sbin/dockerd", *words], stdout=log, stderr=log, env=environment)
        try:
            deadline = time.monotonic() + 600
            while "API listen on" not in (folder / "log").read_text():
                assert daemon.poll() is None, (folder / "log").read_text()[-2000:]
                assert time.monotonic() < deadline, (folder / "log").read_text()[-2000:]
                time.sleep(0.1)
            yield folder / "bin"
        finally:
            daemon.terminate()
            daemon.wait()


@pytest.mark.parametrize("name", ["podman", "docker"])
def test_a_program_is_sent_only_what_it_lacks(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    programs: Path = request.getfixturevalue(name)
    project = with_small_image(copy(Path(BRANIN), tmp_path / "project", {"flake.nix": FLAKE}), "one")

    def load() -> Ended:
        environment = {"PATH": f"{programs}:{os.environ['PATH']}"}
        return run(ROOT / "ci/nix", "run", ".#load-image", "--", name, cwd=project, env=environment)

    def ask(*words: str) -> str:
        ended = run(programs / name, *words)
        assert ended.code == 0, ended.err
        return ended.out.strip()

    first = load()
    assert sent(first).startswith("sent base, files, ")
    # The name that it is to have, and no other; the image is the one that was built: its id is the configuration's digest.
    names = [line for line in ask("images", "--format", "{{.Repository}}:{{.Tag}}").splitlines() if line]
    assert names in (["localhost/branin:1.0.0"], ["branin:1.0.0"])
    (image,) = json.loads(ask("image", "inspect", "branin:1.0.0"))
    made = Path(run("nix", "build", "--no-link", "--print-out-paths", ".#image", cwd=project).out.strip())
    manifest = json.loads((made / "manifest.json").read_text())
    assert image["Id"].removeprefix("sha256:") == manifest["config"]["digest"].removeprefix("sha256:")
    assert image["RootFS"]["Layers"] == [layer["digest"] for layer in manifest["layers"]]
    assert image["Config"]["User"] == "1000:1000"

    assert sent(load()) == "everything was there"
    with_small_image(project, "two")
    changed = load()
    assert sent(changed) == "sent application"
    assert changed.out != first.out
    # podman would raise limits, which root cannot do everywhere.
    limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"] if name == "podman" else []
    assert ask("run", "--rm", "--network", "none", *limits, "branin:1.0.0") == "two"
