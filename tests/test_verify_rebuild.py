"""`verify --rebuild` of files, store paths and images: the signed source is built again, and each lie about it is refused."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT, Ended, built, nix, run
from flakes import add
from flakes import cloche as ci_nix
from test_images import serve, stop, tools  # noqa: F401 - a fixture
from test_release import GIT, POLICY, make_key, reasons, sign
from test_reproduce import BACKEND

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Release:
    """A project in git, its signed statements, and the source as `git archive` gives it."""

    place: Path
    project: Path
    # The command line: the whole one for what a registry holds.
    program: str | Path = "cloche"

    def statements(self, attribute: str) -> Path:
        """Build the provenance and return the folder of one attribute's statements."""
        return Path(built(nix("build", "--no-link", "--print-out-paths", ".#provenance", cwd=self.project))) / attribute

    def output(self, attribute: str) -> Path:
        """Build an output and return it."""
        return Path(built(nix("build", "--no-link", "--print-out-paths", f".#{attribute}", cwd=self.project)))

    def signed(self, folder: Path) -> None:
        """Sign a folder of statements, and nothing else is signed then."""
        shutil.rmtree(self.place / "signed", ignore_errors=True)
        ended = sign(self.place, str(folder))
        assert ended.code == 0, ended.err

    def lie(self, attribute: str, old: dict[str, Any]) -> None:
        """Sign the statements with other digests in them: a builder whose key is accepted, and who lies."""
        folder = self.place / "lies" / attribute
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.statements(attribute), folder)
        for file in folder.iterdir():
            file.chmod(0o644)
            text = file.read_text()
            for digest, other in old.items():
                text = text.replace(digest, other)
            file.write_text(text)
        self.signed(folder)

    def judge(self, artifact: str | Path, *options: str | Path) -> Ended:
        """Verify, with evidence from the folder of signatures."""
        words: list[str | Path] = [
            "verify",
            "--json",
            "--policy",
            self.place / "policy.toml",
            "--bundle",
            self.place / "signed",
            "--insecure-registry",
        ]
        return run(self.program, *words, *options, artifact, cwd=self.place)

    def rebuilt(self, artifact: str | Path, *options: str | Path) -> None:
        """Verify that it is accepted, and by building again."""
        ended = self.judge(artifact, "--rebuild", *options)
        assert ended.code == 0, ended.out + ended.err
        assert "built again on this machine, has the same bytes" in row(ended)

    def refused(self, code: int, words: str, artifact: str | Path, *options: str | Path) -> None:
        """Verify that nothing but the rebuild refuses it."""
        ended = self.judge(artifact, "--rebuild", *options)
        assert ended.code == code, ended.out + ended.err
        assert words in row(ended)
        assert {
            each["what"] for each in json.loads(ended.out)["rows"] if each["verdict"] not in {"accepted", "note"}
        } == {"rebuild"}

    def source(self) -> Path:
        """Return the source at the signed revision, without git."""
        folder = self.place / "source"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        unpacked = run("sh", "-c", f"git -C {self.project} archive HEAD | tar -x -C {folder}")
        assert unpacked.code == 0, unpacked.err
        return folder

    def archived(self, git: Path) -> Path:
        """Return the source as another place for its git has it."""
        folder = self.place / "archived"
        folder.mkdir()
        unpacked = run("sh", "-c", f"git --git-dir {git} archive HEAD | tar -x -C {folder}")
        assert unpacked.code == 0, unpacked.err
        return folder


def row(ended: Ended) -> str:
    return next((each["reason"] for each in json.loads(ended.out)["rows"] if each["what"] == "rebuild"), reasons(ended))


def configured(project: Path, place: Path, attributes: str, statements: str = '"provenance"') -> Release:
    """Let a project's provenance name its own checkout, commit it, and accept that by policy."""
    if run("git", "status", "--porcelain", "--untracked-files=no").out:
        pytest.skip(f"{ROOT} has uncommitted changes, so there is no revision of Cloche that a flake's lock could name")
    source = f"git+file://{project}"
    place.mkdir()
    make_key(place)
    policy = POLICY.replace("git+https://example.org/lab/branin", source)
    # The signer may sign all that is made; required is what the test asks for.
    policy = policy.replace(
        '\nstatements = ["provenance", "test-result"]', '\nstatements = ["provenance", "sbom", "test-result"]'
    )
    policy = policy.replace('required = ["provenance", "test-result"]', f"required = [{statements}]")
    policy = policy.replace('"wheel", "default"', attributes).replace(
        '"]\n[prov', '"]\nalso-allowed = ["test-result"]\n[prov'
    )
    (place / "policy.toml").write_text(policy)
    file = project / "cloche.nix"
    listed = attributes.replace(",", "")
    options = f'provenance = {{ enable = true; source = "{source}"; attributes = [ {listed} ]; }};'
    text = file.read_text()
    file.write_text(
        text.replace("provenance.enable = true;", options)
        if "provenance.enable" in text
        else text.replace("src = ./.;", f"src = ./.; {options}")
    )
    locked = nix("flake", "lock", cwd=project)
    assert locked.code == 0, locked.err
    add(project)
    assert run(*GIT, "commit", "-qm", "all", cwd=project).code == 0
    return Release(place, project)


@pytest.fixture
def registry(tools: Path, tmp_path: Path) -> Iterator[str]:  # noqa: F811 - the fixture
    """Return the address of an empty docker-registry."""
    server, process = serve(tools / "docker-registry", tmp_path / "server")
    try:
        yield server.host
    finally:
        stop(process)


def alter(file: Path) -> None:
    file.write_text(file.read_text() + "#\n")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_wheel(consumer: Path, tmp_path: Path) -> None:
    release = configured(consumer, tmp_path / "place", '"wheel"')
    statements = release.statements("wheel")
    release.signed(statements)
    folder = release.output("wheel")
    (wheel,) = folder.iterdir()
    source = release.source()
    for artifact in (wheel, folder):
        release.rebuilt(artifact)
        release.rebuilt(artifact, "--source", source)

    # Another source, in one byte, and one with its .git: nothing is built.
    alter(source / "src/branin/functions.py")
    release.refused(27, f"the NAR of {source} has the sha256 ", wheel, "--source", source)
    release.refused(27, "its .git is part of it: give what `git archive ", wheel, "--source", consumer)

    # Another wheel, with the signature of somebody who is accepted.
    other = release.place / wheel.name
    other.write_bytes(wheel.read_bytes() + b"\n")
    good, bad = sha256(wheel.read_bytes()), sha256(other.read_bytes())
    release.lie("wheel", {good: bad})
    assert release.judge(other).code == 0
    release.refused(31, f"wheel, built again on this machine, has files with the sha256 {good}", other)
    release.refused(31, f"has files with the sha256 {good}", other, "--source", release.source())

    # What the flake reference leads to is no more what was signed.
    release.signed(statements)
    shutil.move(consumer / ".git", release.place / "git")
    assert run("git", "init", "-q", cwd=consumer).code == 0
    release.refused(31, f"the flake git+file://{consumer}?rev=", wheel)
    release.rebuilt(wheel, "--source", release.archived(release.place / "git"))


def test_the_application_with_its_closure(consumer: Path, tmp_path: Path) -> None:
    """A NumPy that was altered and is listed as altered: only building again shows that it is not what the source makes."""
    release = configured(consumer, tmp_path / "place", '"default"', '"provenance", "sbom"')
    release.signed(release.statements("default"))
    application = release.output("default")
    release.rebuilt(application)

    copied = nix("copy", "--no-check-sigs", "--to", release.place / "root", str(application))
    assert copied.code == 0, copied.err
    artifact = Path(f"{release.place}/root{application}")
    (numpy,) = artifact.parent.glob("*-numpy-*")
    (file,) = numpy.glob("lib/python*/site-packages/numpy/version.py")
    good = nix("hash", "path", "--type", "sha256", "--base16", str(numpy)).out.strip()
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-2] + b"#\n")
    file.chmod(0o444)
    bad = nix("hash", "path", "--type", "sha256", "--base16", str(numpy)).out.strip()
    release.lie("default", {good: bad})
    assert release.judge(artifact).code == 0
    reason = (
        f"{numpy.name}, built again on this machine, has a NAR with the sha256 {good}, and the provenance lists {bad}"
    )
    release.refused(31, reason, artifact)


def test_an_image(consumer: Path, tmp_path: Path, registry: str, cloche: Path) -> None:
    release = replace(configured(consumer, tmp_path / "place", '"image"', '"provenance", "sbom"'), program=cloche)
    statements = release.statements("image")
    release.signed(statements)
    digest = (release.output("image") / "digest").read_text().strip()
    for target in (f"oci:{release.place}/layout:1", f"docker://{registry}/branin:1"):
        loaded = ci_nix("run", ".#load-image", "--", "--insecure", target, cwd=consumer)
        assert loaded.code == 0, loaded.err
    for artifact in (f"oci:{release.place}/layout@{digest}", f"{registry}/branin@{digest}"):
        release.rebuilt(artifact)
    source = release.source()
    release.rebuilt(f"oci:{release.place}/layout@{digest}", "--source", source)
    alter(source / "src/branin/functions.py")
    release.refused(27, f"the NAR of {source} has the sha256 ", f"{registry}/branin@{digest}", "--source", source)

    # Another image of the same layers, in a layout and in the registry, with the signature of somebody who is accepted.
    blobs = release.place / "layout/blobs/sha256"
    manifest = json.loads((blobs / digest.removeprefix("sha256:")).read_text())
    manifest["annotations"]["org.opencontainers.image.title"] = "another"
    data = json.dumps(manifest).encode()
    (blobs / sha256(data)).write_bytes(data)
    put = run(
        "curl",
        "-sS",
        "-f",
        "-X",
        "PUT",
        "-H",
        f"Content-Type: {manifest['mediaType']}",
        "--data-binary",
        f"@{blobs / sha256(data)}",
        f"http://{registry}/v2/branin/manifests/2",
    )
    assert put.code == 0, put.err
    release.lie("image", {digest.removeprefix("sha256:"): sha256(data)})
    for artifact in (f"oci:{release.place}/layout@sha256:{sha256(data)}", f"{registry}/branin@sha256:{sha256(data)}"):
        assert release.judge(artifact).code == 0
        release.refused(
            31,
            f"image, built again on this machine, has an image manifest with the sha256 {digest.removeprefix('sha256:')}",
            artifact,
        )


def test_a_build_that_differs_each_time(growth: Path, tmp_path: Path) -> None:
    """The control of the rebuild itself: a wheel with a random number in it, honestly signed."""
    project = tmp_path / "project"
    project.mkdir()
    files = {
        "flake.nix": (growth / "flake.nix").read_text(),
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["."]\n[project]\nname = "leaky"\nversion = "1"\nrequires-python = ">=3.11"\n',
        "own.py": BACKEND.replace("WHAT", "open('/proc/sys/kernel/random/uuid').read().strip()"),
        "cloche.nix": f"{{ cloche = {{ src = ./.; }}; }} # {tmp_path}\n",
    }
    for name, text in files.items():
        (project / name).write_text(text)
    add(project)
    for verb in ("lock", "fetch"):
        ended = run(ROOT / "ci/nix", "run", f".#{verb}", cwd=project)
        assert ended.code == 0, ended.err
    release = configured(project, tmp_path / "place", '"wheel"')
    release.signed(release.statements("wheel"))
    (wheel,) = release.output("wheel").iterdir()
    assert release.judge(wheel).code == 0
    release.refused(31, "wheel, built again on this machine, has files with the sha256 ", wheel)
    release.refused(
        31, "wheel, built again on this machine, has files with the sha256 ", wheel, "--source", release.source()
    )
