"""What `packages.provenance` says, checked by a stranger's means: nix-store, sha256sum, `nix derivation show`, git."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from cloche.store import derivation
from conftest import ROOT, built, nix, run
from flakes import FLAKE_PARTS, SYSTEM, add, words, write

EXAMPLE = ROOT / "examples/branin"
GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]


def statement(folder: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(folder, name).read_bytes())
    return found


def definition(folder: str, attribute: str = "default") -> dict[str, Any]:
    found: dict[str, Any] = statement(folder, f"{attribute}/provenance.json")["predicate"]["buildDefinition"]
    return found


def shown(flake: Path | str) -> dict[str, Any]:
    """Return what `nix derivation show` says of every derivation that an output is built from."""
    ended = nix("derivation", "show", "--recursive", str(flake))
    assert ended.code == 0, ended.err
    result: dict[str, Any] = json.loads(ended.out)
    return result


@pytest.fixture(scope="module")
def folder() -> str:
    return built(nix("build", "--no-link", "--print-out-paths", f"{EXAMPLE}#provenance"))


@pytest.fixture(scope="module")
def derivations() -> dict[str, Any]:
    return shown(f"{EXAMPLE}#default")


def by_nar(path: str) -> str:
    """Return the digest of a store path as anybody computes it."""
    ended = run("sh", "-c", f"nix-store --dump {path} | sha256sum")
    assert ended.code == 0, ended.err
    return ended.out.split()[0]


@pytest.mark.parametrize("attribute", ["default", "wheel", "sdist"])
def test_a_stranger_finds_the_digests_of_the_subjects(folder: str, attribute: str) -> None:
    path = built(nix("build", "--no-link", "--print-out-paths", f"{EXAMPLE}#{attribute}"))
    subjects = statement(folder, f"{attribute}/provenance.json")["subject"]
    expected = {path[44:]: by_nar(path)}
    if attribute != "default":
        (file,) = Path(path).iterdir()
        ended = run("sha256sum", file)
        expected[file.name] = ended.out.split()[0]
    assert {subject["name"]: subject["digest"]["sha256"] for subject in subjects} == expected
    assert statement(folder, f"{attribute}/test-result.json")["subject"] == subjects


def test_an_image_is_known_by_the_digest_that_registries_use(folder: str) -> None:
    image = built(nix("build", "--no-link", "--print-out-paths", f"{EXAMPLE}#image"))
    assert statement(folder, "image/provenance.json")["subject"] == [
        {
            "name": "branin",
            "digest": {"sha256": run("sha256sum", f"{image}/manifest.json").out.split()[0]},
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
        }
    ]


def test_the_sbom_is_a_statement_about_the_application(folder: str) -> None:
    sbom = built(nix("build", "--no-link", "--print-out-paths", f"{EXAMPLE}#sbom"))
    about = statement(folder, "default/sbom.json")
    assert about["predicateType"] == "https://cyclonedx.org/bom"
    assert about["predicate"] == json.loads(Path(sbom, "sbom.cdx.json").read_text())
    assert about["subject"] == statement(folder, "default/provenance.json")["subject"]
    # What it consists of came from somewhere: the package URLs agree, but for what is said of the file.
    python = {
        entry["purl"].partition("?")[0] for entry in about["predicate"]["components"] if "pypi" in entry.get("purl", "")
    }
    sources = {entry.get("uri", "").partition("?")[0] for entry in definition(folder)["resolvedDependencies"]}
    assert python <= sources
    assert len(python) > 10


def test_the_whole_closure_of_the_application_is_named(folder: str) -> None:
    path = built(nix("build", "--no-link", "--print-out-paths", f"{EXAMPLE}#default"))
    closure = run("nix-store", "--query", "--requisites", path).out.split()
    byproducts = statement(folder, "default/provenance.json")["predicate"]["runDetails"]["byproducts"]
    said = {entry["name"]: entry["digest"]["sha256"] for entry in byproducts}
    assert set(said) == {Path(each).name for each in closure}
    assert said[Path(closure[0]).name] == by_nar(closure[0])


def test_derivations_are_read_as_nix_shows_them(derivations: dict[str, Any]) -> None:
    for path, expected in derivations.items():
        read = derivation.read(Path(path).read_text())
        assert set(read.inputs) == set(expected["inputDrvs"])
        assert set(read.sources) == set(expected["inputSrcs"])
        assert {name: path for name, path, _, _ in read.outputs} == {
            name: output["path"] for name, output in expected["outputs"].items()
        }
        assert read.attributes == {**expected["env"], **json.loads(expected["env"].get("__json", "{}"))}


@pytest.mark.parametrize("attribute", ["default", "wheel", "image"])
def test_dependencies_are_the_fixed_outputs(folder: str, attribute: str) -> None:
    expected = sorted(
        (Path(output["path"]).name[33:], output["method"], output["hash"])
        for each in shown(f"{EXAMPLE}#{attribute}").values()
        for output in each["outputs"].values()
        if "hash" in output
    )
    listed = sorted(
        (entry["name"], "nar" if "mediaType" in entry else "flat", entry["digest"]["sha256"])
        for entry in definition(folder, attribute)["resolvedDependencies"]
        if entry["annotations"]["kind"] == "fixed-output"
    )
    assert listed == expected
    assert len(listed) > 3


def test_package_urls_are_those_of_the_lock(folder: str) -> None:
    lock = json.loads((EXAMPLE / "cloche.lock").read_text())["environments"][SYSTEM]["3.11"]
    entries = {entry["name"]: entry for entry in definition(folder)["resolvedDependencies"]}
    for name in lock["groups"]["default"]:
        package = lock["packages"][name]
        entry = entries[package["file"]]
        version = package["version"].replace("+", "%2B")
        assert entry["uri"] == f"pkg:pypi/{name}@{version}?file_name={package['file'].replace('+', '%2B')}"
        assert entry["digest"] == {"sha256": package["sha256"]}
    locks = {name: hashlib.sha256((EXAMPLE / name).read_bytes()).hexdigest() for name in ("cloche.lock", "flake.lock")}
    assert {name: entries[name]["digest"]["sha256"] for name in locks} == locks


def test_the_derivation_that_is_named_is_the_one_that_the_source_evaluates_to(
    folder: str, derivations: dict[str, Any]
) -> None:
    ended = nix("eval", "--raw", f"{EXAMPLE}#packages.{SYSTEM}.default.drvPath")
    assert f"/nix/store/{definition(folder)['internalParameters']['derivation']}" == ended.out
    assert ended.out in derivations


def test_nothing_is_kept_for_the_statements(folder: str) -> None:
    assert run("nix-store", "--query", "--references", folder).out == ""


def test_the_same_bytes_again(folder: str) -> None:
    again = nix("build", "--no-link", "--rebuild", f"{EXAMPLE}#provenance", f"{EXAMPLE}#provenance")
    assert again.code == 0, again.err
    assert Path(folder, "default/provenance.json").stat().st_size > 1000


def configure(consumer: Path, text: str) -> None:
    """Add to the consumer's configuration."""
    file = consumer / "cloche.nix"
    file.write_text(file.read_text().replace("provenance.enable = true;", f"provenance.enable = true;\n    {text}"))
    add(consumer)


def made(consumer: Path) -> str:
    return built(nix("build", "--no-link", "--print-out-paths", ".#provenance", cwd=consumer))


def test_revision_source_and_builder_of_a_consumer(consumer: Path) -> None:
    configure(
        consumer, 'provenance.source = "git+https://example.org/lab/branin"; provenance.attributes = [ "wheel" ];'
    )
    configure(consumer, 'provenance.builder = "https://example.org/ci/v1";')
    # Where the checkout of Cloche has changes, Nix writes no flake.lock for what uses it.
    nix("flake", "lock", cwd=consumer)
    add(consumer)
    dirty = made(consumer)
    assert definition(dirty, "wheel")["externalParameters"]["revision"] is None
    run(*GIT, "commit", "-qm", "all", cwd=consumer)
    revision = run("git", "rev-parse", "HEAD", cwd=consumer).out.strip()
    clean = made(consumer)
    assert definition(clean, "wheel")["externalParameters"] == {
        "attribute": "wheel",
        "flake": "git+https://example.org/lab/branin",
        "revision": revision,
    }
    source, first = definition(clean, "wheel")["resolvedDependencies"][:2]
    # The checkout without .git is what the NAR is of.
    tree = consumer.parent / "tree"
    shutil.copytree(consumer, tree, ignore=shutil.ignore_patterns(".git"))
    assert source == {
        "name": "source",
        "uri": "git+https://example.org/lab/branin",
        "digest": {"gitCommit": revision, "sha256": by_nar(str(tree))},
        "mediaType": "application/x-nix-nar",
        "annotations": {"kind": "source", "serialization": "nix-archive-1"},
    }
    assert (first["name"], first["annotations"]["kind"]) == ("cloche", "flake-input")
    # The place of a checkout means nothing to others.
    assert os.fspath(ROOT) not in Path(clean, "wheel/provenance.json").read_text()
    run_details = statement(clean, "wheel/provenance.json")["predicate"]["runDetails"]
    assert run_details["builder"] == {"id": "https://example.org/ci/v1"}
    assert [path.name for path in Path(clean).iterdir()] == ["wheel"]


def test_the_revision_under_flake_parts(consumer: Path, inputs: Path) -> None:
    assert inputs.is_dir()
    configure(consumer, 'provenance.attributes = [ "wheel" ];')
    write(consumer, {"flake.nix": FLAKE_PARTS})
    nix("flake", "lock", cwd=consumer)
    add(consumer)
    run(*GIT, "commit", "-qm", "all", cwd=consumer)
    found = definition(made(consumer), "wheel")
    assert found["externalParameters"]["revision"] == run("git", "rev-parse", "HEAD", cwd=consumer).out.strip()
    names = {entry["name"] for entry in found["resolvedDependencies"] if entry["annotations"]["kind"] == "flake-input"}
    assert names == {"cloche", "flake-parts"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'provenance.attributes = [ "wheels" ];',
            "cloche.provenance.attributes names wheels, but there is no packages.wheels; take it out, or configure what makes it",
        ),
        (
            'provenance.inputs = [ "nixpkgs" ];',
            "cloche.provenance.inputs names nixpkgs, but flake.nix has no such input",
        ),
    ],
)
def test_what_is_not_there(consumer: Path, text: str, message: str) -> None:
    configure(consumer, text)
    ended = nix("build", "--no-link", "--no-write-lock-file", ".#provenance", cwd=consumer)
    assert ended.code == 1
    assert message in words(ended)


def test_without_tests_and_sbom_there_are_no_statements_about_them(consumer: Path) -> None:
    configure(consumer, 'provenance.attributes = [ "wheel" "sdist" ];')
    file = consumer / "cloche.nix"
    text = (
        file.read_text()
        .replace("tests.enable = true", "tests.enable = false")
        .replace("sbom.enable = true", "sbom.enable = false")
    )
    file.write_text(re.sub(r"(chaos = \{\s*enable =) true", r"\1 false", text))
    folder = Path(made(consumer))
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*.json")) == [
        "sdist/provenance.json",
        "wheel/provenance.json",
    ]
    links = built(nix("build", "--no-link", "--print-out-paths", ".#in-toto", cwd=consumer))
    assert sorted(path.name for path in Path(links).iterdir()) == [
        "build.json",
        "image.json",
        "layout.json",
        "lock.json",
    ]


def test_a_failed_test_is_attested_as_failed(consumer: Path) -> None:
    text = "def test_right():\n    pass\n\n\ndef test_wrong():\n    assert 1 == 2\n"
    (consumer / "tests/test_wrong.py").write_text(text)
    configure(consumer, 'provenance.attributes = [ "wheel" ]; tests.arguments = [ "tests/test_wrong.py" ];')
    predicate = statement(made(consumer), "wheel/test-result.json")["predicate"]
    assert predicate["result"] == "FAILED"
    assert predicate["failedTests"] == ["tests.test_wrong::test_wrong"]
    assert predicate["passedTests"] == ["tests.test_wrong::test_right"]


def test_evaluation_writes_and_builds_nothing(tmp_path: Path) -> None:
    """A store that has no .drv file yet, and that an evaluation without builds writes none to."""
    ended = nix("flake", "check", "--no-build", "--store", str(tmp_path / "store"), str(EXAMPLE))
    run("chmod", "-R", "u+w", str(tmp_path / "store"))
    assert ended.code == 0, ended.err
