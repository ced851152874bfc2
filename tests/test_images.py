"""Images outside of the sandbox: read by skopeo, unpacked by umoci, run by runc, pushed to and pulled from a registry."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT, Ended, built, run
from flakes import FLAKE, add, cloche, copy, words
from machines import needs_root

BRANIN = f"{ROOT}/examples/branin"
SYSTEM = f"{os.uname().machine}-linux"
# The password "word" of the user "user", as htpasswd -B writes it.
HTPASSWD = "user:$2b$04$WE1w7CNefY3OqfMTBjZ08.8nlp9jb5NxMqTRbpaO56e7ESdtzYXIu\n"
ATTACH = """
import sys
from cloche.image.descriptor import Reference
from cloche.image.registry import Registry

host, digest, name = sys.argv[1:]
registry = Registry(Reference.parse(f"{host}/branin:1"), insecure=True)
for number in range(6):
    registry.attach(digest, "application/vnd.in-toto+json", f"{name} {number}".encode(), "application/vnd.in-toto+json")
"""
READ = """
import json, sys
from cloche.errors import ClocheError
from cloche.image.descriptor import Reference
from cloche.image.registry import Registry

registry = Registry(Reference.parse(f"{sys.argv[1]}/branin:1"), insecure=True)
manifest = json.loads(registry.manifest(registry.resolve().digest))
for layer in manifest["layers"]:
    try:
        print(sum(map(len, registry.stream(layer["digest"]))) == layer["size"])
    except ClocheError as error:
        print(error.message)
"""


@dataclass(frozen=True)
class Server:
    """A docker-registry on the loopback device, with the folder of its data and its log."""

    host: str
    folder: Path

    def requests(self) -> list[str]:
        """Return the requests so far, each as "METHOD PATH"."""
        lines = (self.folder / "log").read_text().splitlines()
        return [line.split('"')[1].rpartition(" ")[0] for line in lines if line.startswith("127.0.0.1 ")]

    def blob(self, digest: str) -> Path:
        """Return the file that holds a blob."""
        hexadecimal = digest.removeprefix("sha256:")
        return self.folder / "data/docker/registry/v2/blobs/sha256" / hexadecimal[:2] / hexadecimal / "data"


def serve(program: Path, folder: Path, more: str = "") -> tuple[Server, subprocess.Popen[bytes]]:
    """Start a docker-registry and wait until it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    folder.mkdir()
    (folder / "config.yml").write_text(
        f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {folder}/data}}}}\nhttp: {{addr: '{host}'}}\n{more}"
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "serve", folder / "config.yml"], stdout=log, stderr=log)
    for _ in range(200):
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", int(host.rpartition(":")[2]))) == 0:
                return Server(host, folder), process
        time.sleep(0.05)
    process.kill()
    pytest.fail((folder / "log").read_text())


def stop(process: subprocess.Popen[bytes]) -> None:
    """End what `serve` started."""
    process.send_signal(signal.SIGTERM)
    process.wait(30)


@pytest.fixture(scope="session")
def tools() -> Path:
    """Return the bin of the toolchain's role `oci`."""
    brought = run("sh", ROOT / "pkgs/fetch/fetch.sh", "--tools-only", "--role", "oci")
    assert brought.code == 0, brought.err
    expression = f'(import {ROOT}/pkgs/toolchain {{ system = "{SYSTEM}"; }}).roles.oci'
    return Path(
        built(cloche("build", "--no-link", "--print-out-paths", "--impure", "--expr", expression, cwd=ROOT)), "bin"
    )


@pytest.fixture(scope="session")
def image() -> Path:
    """Return the example's image, as the files that say what it is."""
    return Path(built(cloche("build", "--no-link", "--print-out-paths", f"{BRANIN}#image", cwd=ROOT)))


@pytest.fixture(scope="session")
def layout(image: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an OCI layout into which the example's image was loaded."""
    folder = tmp_path_factory.mktemp("layout") / "images"
    ended = load(f"oci:{folder}")
    assert ended.code == 0, ended.err
    assert ended.out == (image / "digest").read_text()
    return folder


def with_image(project: Path, options: str) -> Path:
    """Replace the image's options in a copy of the example."""
    text = (ROOT / "examples/branin/cloche.nix").read_text()
    before, _, rest = text.partition("images.default = {")
    (project / "cloche.nix").write_text(
        f"{{ config, ... }}:\n{before}images.default = {{ {options} }};{rest.partition('};')[2]}"
    )
    add(project)
    return project


def with_small_image(project: Path, words_of: str) -> Path:
    """Let the image of a copy of the example hold a shell script instead of the project: it is pushed in a moment."""
    text = f"#!/bin/sh\\necho {words_of}\\n"
    script = f"mkdir -p $out/bin; printf '{text}' > $out/bin/answer; chmod +x $out/bin/answer"
    package = f'package = config.cloche.toolchain.runBash {{ name = "answer"; script = "{script}"; }};'
    return with_image(project, f'{package} entrypoint = [ "${{config.cloche.images.default.package}}/bin/answer" ];')


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with a small image."""
    folder = tmp_path_factory.mktemp("small") / "small"
    return with_small_image(copy(ROOT / "examples/branin", folder, {"flake.nix": FLAKE}), "one")


@pytest.fixture(scope="module")
def small_image(small: Path) -> Path:
    """Return the small image, as the files that say what it is."""
    return Path(built(cloche("build", "--no-link", "--print-out-paths", ".#image", cwd=small)))


@pytest.fixture(scope="module")
def registry(tools: Path, small: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a docker-registry that has the small image as branin:1."""
    server, process = serve(tools / "docker-registry", tmp_path_factory.mktemp("registry") / "server")
    try:
        ended = load("--insecure", f"docker://{server.host}/branin:1", cwd=small)
        assert ended.code == 0, ended.err
        yield server
    finally:
        stop(process)


def load(*arguments: str, cwd: Path | str = BRANIN) -> Ended:
    """Run `nix run .#load-image`."""
    return cloche("run", ".#load-image", "--", *arguments, cwd=Path(cwd))


@pytest.fixture(scope="session")
def python() -> Path:
    """Return the Python of Cloche's command line, which has the registry's client."""
    program = Path(cloche("eval", "--raw", f"{BRANIN}#apps.{SYSTEM}.cloche.program", cwd=ROOT).out)
    assert cloche("run", f"{BRANIN}#cloche", "--", "--version", cwd=ROOT).code == 0
    return program.readlink().parent / "python"


def sent(ended: Ended) -> str:
    """Return what load-image says it sent."""
    assert ended.code == 0, ended.err
    return ended.err.strip().splitlines()[-1].rpartition(": ")[2].partition(", ")[2]


def edit(project: Path) -> None:
    """Add one line to the application, another one each time, so that no store has what is made of it."""
    with (project / "src/branin/functions.py").open("a") as file:
        file.write(f"# {time.time_ns()}\n")


def test_the_image_is_small_files_and_made_again_it_is_the_same(image: Path) -> None:
    assert {path.name for path in image.iterdir()} == {
        "closure.json",
        "config.json",
        "digest",
        "layers.json",
        "manifest.json",
    }
    assert sum(path.stat().st_size for path in image.iterdir()) < 100_000
    again = cloche("build", "--no-link", "--rebuild", f"{BRANIN}#image", cwd=ROOT)
    assert again.code == 0, again.err


def test_layers_by_change_rate(image: Path) -> None:
    layers = [layer["name"] for layer in json.loads((image / "layers.json").read_text())["layers"]]
    assert layers[:3] == ["base", "files", "scipy"]
    assert layers[-3:] == ["light", "contents", "application"]
    assert {"numpy", "matplotlib", "scikit-learn"} <= set(layers)


@pytest.mark.usefixtures("image")
def test_after_an_edit_no_large_layer_is_measured_again(consumer: Path) -> None:
    edit(consumer)
    add(consumer)
    ended = cloche("build", "--no-link", "--dry-run", ".#image", cwd=consumer)
    assert ended.code == 0, ended.err
    planned = [line.strip() for line in ended.err.splitlines() if line.strip().endswith(".drv")]
    assert any(line.endswith("-branin-image.drv") for line in planned)
    assert not [line for line in planned if "-layer-" in line]


def test_skopeo_reads_it(tools: Path, layout: Path, image: Path) -> None:
    ended = run(tools / "skopeo", "inspect", f"oci:{layout}:1.0.0")
    assert ended.code == 0, ended.err
    seen = json.loads(ended.out)
    assert seen["Digest"] == (image / "digest").read_text().strip()
    assert (seen["Architecture"], seen["Os"]) == ({"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine], "linux")
    config = json.loads(run(tools / "skopeo", "inspect", "--config", f"oci:{layout}:1.0.0").out)
    assert config == json.loads((image / "config.json").read_text())
    assert config["config"]["User"] == "1000:1000"


@pytest.fixture(scope="module")
def bundle(tools: Path, layout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the bundle that umoci makes of the image."""
    folder = tmp_path_factory.mktemp("bundle") / "bundle"
    as_user = [] if os.geteuid() == 0 else ["--rootless"]
    ended = run(tools / "umoci", "unpack", *as_user, "--image", f"{layout}:1.0.0", folder)
    assert ended.code == 0, ended.err
    return folder


@needs_root
def test_the_container_answers(tools: Path, bundle: Path, image: Path) -> None:
    config = json.loads((bundle / "config.json").read_text())
    assert config["process"]["user"]["uid"] == 1000
    assert config["process"]["cwd"] == "/home/app"
    (entry,) = json.loads((image / "config.json").read_text())["config"]["Entrypoint"]
    assert config["process"]["args"] == [entry, "--help"]

    def answer(*arguments: str) -> str:
        config["process"]["args"], config["process"]["terminal"] = list(arguments), False
        (bundle / "config.json").write_text(json.dumps(config))
        ended = run(tools / "runc", "--root", bundle / "state", "run", "--bundle", bundle, f"cloche-test-{os.getpid()}")
        assert ended.code == 0, ended.err
        return ended.out

    result = answer(entry, "run", "--seed", "1", "--evaluations", "8", "--output", "/tmp/result.json")  # noqa: S108 - in the container
    assert result.startswith("bayes, seed 1: ")
    assert "in evaluation" in result
    # Who it is, its home, a shell, time zones, certificates.
    script = 'id -u; id -g; cd; pwd; touch here && echo writable; TZ=Asia/Kolkata date +%z; head -c 20 "$SSL_CERT_FILE" | wc -c; touch /nix/x 2>&1 | wc -l'
    lines = answer("/bin/sh", "-c", script).split("\n")
    assert lines[:6] == ["1000", "1000", "/home/app", "writable", "+0530", "20"]
    assert lines[6] == "1", "the store cannot be written to"
    assert (bundle / "rootfs/tmp").stat().st_mode & 0o7777 == 0o1777
    zone = answer("/bin/sh", "-c", f"$(dirname {entry})/../bin/branin --version")
    assert zone.strip().endswith("1.0.0")


def test_the_image_has_licences_and_no_headers_of_the_base(bundle: Path) -> None:
    rootfs = bundle / "rootfs"
    (base,) = (rootfs / "nix/store").glob("*-cloche-base")
    assert not (base / "include").exists()
    assert not (base / "bin/patchelf").exists()
    (licenses,) = (rootfs / "nix/store").glob("*-cloche-base-licenses")
    assert str((rootfs / "usr/share/doc").readlink()) == f"/{licenses.relative_to(rootfs)}/share/doc"
    assert (licenses / "share/doc/libc6/copyright").stat().st_size > 1000
    # Each package of the base, and each text that one of them refers to.
    pins = json.loads((ROOT / f"pkgs/toolchain/debian/pins/{SYSTEM}/seed.json").read_text())
    assert {pin["name"] for pin in pins} <= {path.name for path in (licenses / "share/doc").iterdir()}
    assert (licenses / "share/common-licenses/GPL-3").exists()


def test_pulled_from_a_registry_it_is_the_same(
    tools: Path, registry: Server, small_image: Path, tmp_path: Path
) -> None:
    ended = run(
        tools / "skopeo",
        "--insecure-policy",
        "copy",
        "--quiet",
        "--src-tls-verify=false",
        f"docker://{registry.host}/branin:1",
        f"dir:{tmp_path}/x",
    )
    assert ended.code == 0, ended.err
    assert (tmp_path / "x/manifest.json").read_bytes() == (small_image / "manifest.json").read_bytes()


def test_the_second_push_sends_only_the_changed_layer(registry: Server, consumer: Path) -> None:
    with_small_image(consumer, "two")
    before = len(registry.requests())
    assert sent(load("--insecure", f"docker://{registry.host}/branin:2", cwd=consumer)) == "sent application"
    requests = registry.requests()[before:]
    # The changed layer and the configuration that names it; every layer is asked for once.
    assert sum(request.startswith("PUT /v2/branin/blobs/uploads/") for request in requests) == 2
    assert sum(request.startswith("HEAD ") for request in requests) == 4
    before = len(registry.requests())
    assert sent(load("--insecure", f"docker://{registry.host}/branin:2", cwd=consumer)) == "everything was there"
    assert {request.split()[0] for request in registry.requests()[before:]} == {"HEAD", "PUT"}
    assert sum(request.startswith("PUT /v2/branin/manifests/2") for request in registry.requests()[before:]) == 1


def test_two_writers_of_referrers_lose_nothing(registry: Server, small_image: Path, python: Path) -> None:
    digest = (small_image / "digest").read_text().strip()
    both = [
        subprocess.Popen([python, "-c", ATTACH, registry.host, digest, name], stderr=subprocess.PIPE, text=True)
        for name in ("a", "b")
    ]
    for process in both:
        _, err = process.communicate(timeout=3600)
        assert process.returncode == 0, err
    script = """
import sys
from cloche.image.descriptor import Reference
from cloche.image.registry import Registry
found = Registry(Reference.parse(f"{sys.argv[1]}/branin:1"), insecure=True).referrers(sys.argv[2], "application/vnd.in-toto+json")
print(len(found))
"""
    assert run(python, "-c", script, registry.host, digest).out == "12\n"


def test_a_layer_swapped_in_the_registry_is_refused(
    tools: Path, registry: Server, small_image: Path, python: Path, tmp_path: Path
) -> None:
    files = next(
        layer for layer in json.loads((small_image / "layers.json").read_text())["layers"] if layer["name"] == "files"
    )
    blob = registry.blob(files["digest"])
    good = blob.read_bytes()
    blob.write_bytes(good.replace(b"root:x:0:0", b"evil:x:0:0"))
    try:
        ended = run(
            tools / "skopeo",
            "--insecure-policy",
            "copy",
            "--quiet",
            "--src-tls-verify=false",
            f"docker://{registry.host}/branin:1",
            f"dir:{tmp_path}/x",
        )
        assert ended.code != 0
        lines = run(python, "-c", READ, registry.host).out.splitlines()
        assert lines.count("True") == len(lines) - 1
        assert f"{registry.host}/branin gave other bytes for {files['digest']}: they have sha256:" in lines[1]
        assert lines[1].endswith(". They were changed; nothing was used")
    finally:
        blob.write_bytes(good)


def test_a_registry_with_passwords(tools: Path, small: Path, tmp_path: Path) -> None:
    (tmp_path / "htpasswd").write_text(HTPASSWD)
    more = f"auth: {{htpasswd: {{realm: test, path: {tmp_path}/htpasswd}}}}\n"
    server, process = serve(tools / "docker-registry", tmp_path / "server", more)
    (tmp_path / "auth.json").write_text(
        json.dumps({"auths": {server.host: {"auth": b64encode(b"user:word").decode()}}})
    )
    words_of = ["run", ".#load-image", "--", "--insecure", f"docker://{server.host}/branin:1"]
    try:
        refused = run(ROOT / "ci/nix", *words_of, cwd=small)
        assert refused.code == 3
        assert f"the registry {server.host} does not let us. Log in with" in refused.err
        ended = run(ROOT / "ci/nix", *words_of, cwd=small, env={"REGISTRY_AUTH_FILE": str(tmp_path / "auth.json")})
        assert ended.code == 0, ended.err
    finally:
        stop(process)


@pytest.mark.slow
def test_skopeo_is_sent_only_what_its_target_lacks(tools: Path, consumer: Path, tmp_path: Path) -> None:
    environment = {"PATH": f"{tools}:{os.environ['PATH']}"}
    target = f"skopeo:oci:{tmp_path}/images:x"
    program = ["run", ".#load-image", "--", target]
    first = run(ROOT / "ci/nix", *program, cwd=consumer, env=environment)
    assert "sent base, files, scipy" in sent(first)
    assert (
        json.loads(run(tools / "skopeo", "inspect", target.removeprefix("skopeo:")).out)["Digest"] == first.out.strip()
    )
    edit(consumer)
    add(consumer)
    assert sent(run(ROOT / "ci/nix", *program, cwd=consumer, env=environment)) == "sent application"


def test_the_development_closure_is_refused_with_the_reason(consumer: Path) -> None:
    brought = run("sh", ROOT / "pkgs/fetch/fetch.sh", "--tools-only", "--role", "git")
    assert brought.code == 0, brought.err
    with_image(consumer, "contents = [ config.cloche.toolchain.roles.git ];")
    ended = cloche("build", "--no-link", "-L", ".#image", cwd=consumer)
    assert ended.code != 0
    assert "the image default would hold what is only for development:" in ended.err
    assert "-cloche-git: the toolchain's role `git'. It is there because" in ended.err
    assert "cloche.images.default.allowed." in ended.err
    with_image(consumer, 'contents = [ config.cloche.toolchain.roles.git ]; allowed = [ "git" ];')
    ended = cloche("build", "--no-link", "-L", ".#image", cwd=consumer)
    assert ended.code == 0, ended.err


def test_root_has_to_be_asked_for(consumer: Path) -> None:
    with_image(consumer, 'user = "0:0";')
    ended = cloche("eval", "--raw", ".#image.drvPath", cwd=consumer)
    assert words(ended).endswith(
        "- cloche.images.default.user is 0:0, which is root; give it numbers of its own, or set cloche.images.default.allowRoot."
    )
    with_image(consumer, 'user = "0:0"; allowRoot = true;')
    assert cloche("eval", "--raw", ".#image.drvPath", cwd=consumer).code == 0


def test_the_revision_is_told_only_where_it_is_asked_for(consumer: Path, image: Path) -> None:
    assert "revision" not in (image / "manifest.json").read_text()
    with_image(consumer, 'revision = "abc";')
    made = Path(built(cloche("build", "--no-link", "--print-out-paths", ".#image", cwd=consumer)))
    assert json.loads((made / "manifest.json").read_text())["annotations"]["org.opencontainers.image.revision"] == "abc"


def test_the_memory_of_the_builder(image: Path) -> None:
    layers: list[dict[str, Any]] = json.loads((image / "layers.json").read_text())["layers"]
    largest = max(layers, key=lambda layer: int(layer["size"]))
    script = f"""
import json, resource, sys
sys.path.insert(0, {str(ROOT / "python/src")!r})
from cloche.image.layer import Layer, measure
layer = Layer.from_json(json.loads(sys.argv[1]))
assert measure(layer) == (layer.digest, layer.size)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
    python = shutil.which("python3")
    assert python
    ended = run(python, "-I", "-c", script, json.dumps(largest))
    assert ended.code == 0, ended.err
    assert int(ended.out) < 150 < largest["size"] >> 19


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            'ports = [ "x" ];',
            "- cloche.images.default.ports has x; write NUMBER/tcp or NUMBER/udp, with a number from 1 to 65535.",
        ),
        (
            'ports = [ "8080/tcp" "65536/tcp" ];',
            "- cloche.images.default.ports has 65536/tcp; write NUMBER/tcp or NUMBER/udp, with a number from 1 to 65535.",
        ),
        ('volumes = [ "data" ];', "- cloche.images.default.volumes is data; give it a plain path beside /nix."),
        (
            'workingDirectory = "/srv/../etc";',
            "- cloche.images.default.workingDirectory is /srv/../etc; give it a plain path beside /nix.",
        ),
        ('home = "/nix/x";', "- cloche.images.default.home is /nix/x; give it a plain path beside /nix."),
        (
            'volumes = [ "/nix/store" ];',
            "- cloche.images.default.volumes is /nix/store; give it a plain path beside /nix.",
        ),
    ],
)
def test_options_that_no_container_could_have(consumer: Path, options: str, message: str) -> None:
    with_image(consumer, options)
    ended = cloche("eval", "--raw", ".#image.drvPath", cwd=consumer)
    assert ended.code == 1
    assert words(ended).endswith(message)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            "entrypoint = [ ];",
            "the image default has no entry point: let its option `entrypoint' name the program that a container starts",
        ),
        (
            'entrypoint = [ "/bin/nope" ];',
            "the image default starts /bin/nope, which is not in it: let its option `entrypoint' name a program of its package or contents",
        ),
    ],
)
def test_an_entry_point_that_cannot_start_is_refused(consumer: Path, options: str, message: str) -> None:
    with_image(consumer, options)
    ended = cloche("build", "--no-link", "-L", ".#image", cwd=consumer)
    assert ended.code == 1
    assert f"branin-image> {message}" in ended.err
