"""Reading .drv files, digests and statements; what is written about outputs. The real closure: tests/test_provenance.py."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from cloche.attest import graph, hashes, make, schema, slsa, statement, test_result
from cloche.attest.graph import ProvenanceError
from cloche.store import derivation

DIGEST = hashlib.sha256(b"").hexdigest()
NIX32 = "0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73"
PLACE = "/nix/store/" + "a" * 32


def drv(*, name: str = "x.whl", mode: str = "sha256", digest: str = DIGEST, inputs: str = "", **env: str) -> str:
    """Return the text of a .drv file with one output."""
    variables = ",".join(f'("{key}","{value}")' for key, value in {"name": name, **env}.items())
    output = f'("out","{PLACE}-{name}","{mode}","{digest}")'
    return f'Derive([{output}],[{inputs}],["{PLACE}-source"],"x86_64-linux","/bin/sh",["-c"],[{variables}])'


@pytest.mark.parametrize(
    "text", [f"sha256:{NIX32}", f"sha256:{DIGEST}", "sha256-" + base64.b64encode(bytes.fromhex(DIGEST)).decode()]
)
def test_all_ways_in_which_nix_writes_a_digest(text: str) -> None:
    assert hashes.digest_set(text) == {"sha256": DIGEST}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256",
        "sha256:",
        f"sha3:{DIGEST}",
        f"sha256:{DIGEST[:-1]}",
        f"sha256:{NIX32[:-1]}e",
        f"sha256:z{NIX32[1:]}",
        "sha256-AAAA",
        f"sha512:{DIGEST}",
    ],
)
def test_what_is_no_digest(text: str) -> None:
    with pytest.raises(ValueError, match="is no digest that Nix writes"):
        hashes.digest_set(text)


def test_a_derivation_is_read() -> None:
    found = derivation.read(drv(inputs=f'("{PLACE}-a.drv",["out"])', text='a \\"b\\" \\\\ \\n\\t[(,)] ü'))
    assert found.inputs == {f"{PLACE}-a.drv": ("out",)}
    assert found.sources == (f"{PLACE}-source",)
    assert found.attributes == {"name": "x.whl", "text": 'a "b" \\ \n\t[(,)] ü'}
    assert found.fixed == derivation.FixedOutput(f"{PLACE}-x.whl", {"sha256": DIGEST}, "flat")


def test_structured_attributes_are_attributes() -> None:
    assert derivation.read(drv(__json='{\\"file\\":\\"f\\"}')).attributes["file"] == "f"


@pytest.mark.parametrize(("mode", "said"), [("r:sha1", "nar"), ("text:sha256", "text")])
def test_how_a_fixed_output_is_hashed(mode: str, said: str) -> None:
    found = derivation.read(drv(mode=mode)).fixed
    assert found is not None
    assert found.mode == said


def test_an_output_that_is_not_fixed() -> None:
    assert derivation.read(drv(mode="", digest="")).fixed is None
    # Content-addressed after the build: an algorithm without a digest.
    assert derivation.read(drv(mode="r:sha256", digest="")).fixed is None


def test_a_mode_without_a_place_in_a_provenance() -> None:
    with pytest.raises(
        derivation.BadDerivationError, match=r"hashed by 'git:sha1', which has no place in a provenance"
    ):
        _ = derivation.read(drv(mode="git:sha1")).fixed


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it begins with '' instead of 'Derive('"),
        ('DrvWithVersion("xp-dyn-drv",[],[])', "it begins with 'DrvWithVersion(\"xp-d' instead of 'Derive('"),
        ("Derive()", "it has not the seven parts of a derivation"),
        ("Derive(", "its brackets and commas are not balanced"),
        ("Derive([]", "its brackets and commas are not balanced"),
        (drv() + ")", "its brackets and commas are not balanced"),
        (drv() + "x", "there is something that is no ATerm at character"),
        (drv(x="\\x"), "there is something that is no ATerm at character"),
        (drv(x="\\u0041"), "there is something that is no ATerm at character"),
        (drv().replace('["-c"]', '["-c]'), "there is something that is no ATerm at character"),
        (drv().replace('["-c"]', "[1]"), "there is something that is no ATerm at character"),
        (drv().replace('("name",', "("), "a part of it has the wrong form: "),
        (drv().replace(f'"{PLACE}-source"', "[]"), "a part of it has the wrong form: "),
        (drv(inputs='"x"'), "a part of it has the wrong form: "),
        (drv(__json="{"), "a part of it has the wrong form: "),
        (drv(__json="1"), "a part of it has the wrong form: "),
    ],
)
def test_what_is_no_derivation(text: str, reason: str) -> None:
    with pytest.raises(derivation.BadDerivationError) as caught:
        derivation.read(text)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (
            {"package": "Zope_x", "version": "1.0+a", "file": "zope_x-1.0+a-py3-none-any.whl"},
            "pkg:pypi/zope-x@1.0%2Ba?file_name=zope_x-1.0%2Ba-py3-none-any.whl",
        ),
        (
            {"package": "libc6", "version": "1:2.36-9+deb12u10", "file": "libc6_2.36-9+deb12u10_amd64.deb"},
            "pkg:deb/debian/libc6@1:2.36-9%2Bdeb12u10?arch=amd64",
        ),
        ({"url": "https://example.org/a?b=c"}, "pkg:generic/x.whl?download_url=https://example.org/a%3Fb%3Dc"),
        ({"urls": "mirror://gnu/a https://example.org/a"}, "pkg:generic/x.whl?download_url=mirror://gnu/a"),
        ({"url": "cloche:run-this"}, "pkg:generic/x.whl"),
        ({}, "pkg:generic/x.whl"),
    ],
)
def test_package_urls(attributes: dict[str, str], expected: str) -> None:
    assert slsa.purl(derivation.read(drv(**attributes))) == expected


def test_one_file_under_two_names_of_packages_is_refused() -> None:
    output = derivation.FixedOutput(f"{PLACE}-x.whl", {"sha256": DIGEST}, "flat")
    with pytest.raises(ProvenanceError) as caught:
        slsa.merged([(output, "pkg:pypi/a@1"), (output, "pkg:pypi/b@1")])
    assert caught.value.message == f"{PLACE}-x.whl is called pkg:pypi/a@1 by one derivation and pkg:pypi/b@1 by another"
    merged = slsa.merged([(output, "pkg:generic/x.whl"), (output, "pkg:pypi/a@1"), (output, "pkg:generic/y")])
    assert [entry["uri"] for entry in merged] == ["pkg:pypi/a@1"]


def test_the_closure_of_derivations_is_walked_once(tmp_path: Path) -> None:
    for name, inputs in (("a", "bc"), ("b", "c"), ("c", "")):
        listed = ",".join(f'("{tmp_path}/{other}.drv",["out"])' for other in inputs)
        (tmp_path / f"{name}.drv").write_text(drv(name=name, inputs=listed))
    assert sorted(path for path, _ in graph.derivations(f"{tmp_path}/a.drv")) == [f"{tmp_path}/{n}.drv" for n in "abc"]
    (tmp_path / "d.drv").write_text("?")
    with pytest.raises(
        ProvenanceError, match=rf"{tmp_path}/d\.drv is no derivation that this Cloche can read: it begins with"
    ):
        list(graph.derivations(f"{tmp_path}/d.drv"))


def outcomes(*kinds: str) -> dict[str, Any]:
    return {"tests": [{"test": kind, "outcome": kind, "message": ""} for kind in kinds]}


@pytest.mark.parametrize(
    ("kinds", "result"),
    [
        (["passed"], "PASSED"),
        (["passed", "skipped"], "WARNED"),
        (["passed", "xfailed"], "WARNED"),
        (["xfailed"], "FAILED"),
        (["skipped"], "FAILED"),
        (["passed", "failed"], "FAILED"),
        (["passed", "error", "skipped"], "FAILED"),
    ],
)
def test_the_result_is_that_of_the_check(kinds: list[str], result: str, tmp_path: Path) -> None:
    from cloche.suite import judge

    predicate = test_result.predicate(outcomes(*kinds), [])
    assert predicate["result"] == result
    assert sorted(predicate["passedTests"] + predicate["warnedTests"] + predicate["failedTests"]) == sorted(kinds)
    (tmp_path / "outcomes.json").write_text(json.dumps(outcomes(*kinds)))
    attributes = {"results": str(tmp_path), "outputs": {"out": str(tmp_path / "out")}}
    if result == "FAILED":
        with pytest.raises(SystemExit):
            judge.main(attributes)
    else:
        judge.main(attributes)


SUBJECT = {"name": "a.whl", "digest": {"sha256": DIGEST}}
GOOD = statement.make([SUBJECT], "https://example.org/p/v1", {"x": 1})
PROVENANCE = slsa.predicate(
    slsa.Build(
        attribute="wheel",
        flake=None,
        revision="1" * 40,
        internal={"derivation": f"{'a' * 32}-x.drv", "output": "out", "system": "x86_64-linux", "toolchain": "debian"},
        builder="https://example.org/builder",
    ),
    [
        slsa.source("git+https://example.org/x", "1" * 40, {"sha256": DIGEST}),
        slsa.resource(derivation.FixedOutput(f"{PLACE}-x.whl", {"sha256": DIGEST}, "flat"), "pkg:pypi/x@1"),
    ],
    [],
)


@pytest.mark.parametrize(
    "value",
    [
        GOOD,
        {**GOOD, "more": 1},
        statement.make([SUBJECT], statement.PROVENANCE, PROVENANCE),
        statement.make([SUBJECT], statement.TEST_RESULT, test_result.predicate(outcomes("passed"), [SUBJECT])),
    ],
)
def test_a_good_statement_has_no_problem(value: dict[str, Any]) -> None:
    assert schema.problems(value) == []


@pytest.mark.parametrize(
    "change",
    [
        {"_type": "https://in-toto.io/Statement/v0.1"},
        {"subject": []},
        {"subject": {}},
        {"subject": ["x"]},
        {"subject": [{"name": "x"}]},
        {"subject": [SUBJECT, {"digest": {}}]},
        {"subject": [{"digest": {"sha256": "ab"}}]},
        {"subject": [{"digest": {"sha256": DIGEST.upper()}}]},
        {"subject": [{"digest": {"blake3": 1}}]},
        {"subject": [{**SUBJECT, "name": 1}]},
        {"subject": [{**SUBJECT, "mediaType": "x"}]},
        {"subject": [{**SUBJECT, "annotations": []}]},
        {"predicateType": "provenance"},
        {"predicate": []},
    ],
)
def test_what_is_no_statement(change: dict[str, Any]) -> None:
    assert schema.problems({**GOOD, **change})


def changed(path: str, value: object) -> dict[str, Any]:
    """Return the good provenance with another value at a path such as "runDetails.builder.id"."""
    predicate: dict[str, Any] = json.loads(json.dumps(PROVENANCE))
    *steps, last = path.split(".")
    at: Any = predicate
    for step in steps:
        at = at[int(step)] if isinstance(at, list) else at[step]
    at[int(last) if isinstance(at, list) else last] = value
    return statement.make([SUBJECT], statement.PROVENANCE, predicate)


LISTED = "buildDefinition.resolvedDependencies"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("buildDefinition.buildType", "https://example.org/other"),
        ("buildDefinition.externalParameters.more", "x"),
        ("buildDefinition.externalParameters.revision", "main"),
        ("buildDefinition.externalParameters.attribute", ""),
        ("buildDefinition.internalParameters.nix", "2.26"),
        ("buildDefinition.internalParameters.derivation", "x"),
        ("runDetails.metadata", {"invocationId": "1"}),
        ("runDetails.builder.version", {}),
        ("runDetails.builder.id", "me"),
        (LISTED, []),
        (f"{LISTED}.0.annotations", {"kind": "other"}),
        (f"{LISTED}.0.annotations", {}),
        (f"{LISTED}.1.uri", "https://example.org/x"),
        (f"{LISTED}.1.digest", {}),
        (f"{LISTED}.0", PROVENANCE["buildDefinition"]["resolvedDependencies"][1]),
    ],
)
def test_a_provenance_says_what_is_documented_and_no_more(path: str, value: object) -> None:
    assert schema.problems(changed(path, value))


def output(path: Path, kind: str) -> dict[str, Any]:
    return {"attribute": "a", "kind": kind, "name": "n", "path": str(path)}


def stored(path: Path) -> dict[str, graph.StorePath]:
    return {str(path): graph.StorePath(str(path), {"sha256": DIGEST}, ())}


def test_files_are_known_by_their_content_and_their_folder(tmp_path: Path) -> None:
    folder = tmp_path / ("a" * 32 + "-wheel")
    folder.mkdir()
    (folder / "n-1.whl").write_bytes(b"")
    tree = {
        "name": "wheel",
        "digest": {"sha256": DIGEST},
        "mediaType": "application/x-nix-nar",
        "annotations": {"serialization": "nix-archive-1"},
    }
    assert make.subjects(output(folder, "files"), stored(folder)) == [
        {"name": "n-1.whl", "digest": {"sha256": DIGEST}},
        tree,
    ]
    assert make.subjects(output(folder, "tree"), stored(folder)) == [tree]
    (folder / "link").symlink_to("n-1.whl")
    with pytest.raises(ProvenanceError) as caught:
        make.subjects(output(folder, "files"), stored(folder))
    assert caught.value.message == f"{folder} should hold nothing but the files that packages.a is about"


def test_a_single_file_is_known_by_its_content_too(tmp_path: Path) -> None:
    file = tmp_path / ("a" * 32 + "-x.json")
    file.write_bytes(b"")
    found = make.subjects(output(file, "tree"), stored(file))
    assert found[0] == {"name": "x.json", "digest": {"sha256": DIGEST}}
    assert found[1]["mediaType"] == "application/x-nix-nar"


def test_an_image_is_known_by_its_manifest(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(b"{}")
    digest = hashlib.sha256(b"{}").hexdigest()
    (tmp_path / "digest").write_text(f"sha256:{digest}\n")
    assert make.subjects(output(tmp_path, "image"), stored(tmp_path)) == [
        {"name": "n", "digest": {"sha256": digest}, "mediaType": "application/vnd.oci.image.manifest.v1+json"}
    ]
    (tmp_path / "manifest.json").write_bytes(b"{ }")
    with pytest.raises(ProvenanceError) as caught:
        make.subjects(output(tmp_path, "image"), stored(tmp_path))
    other = hashlib.sha256(b"{ }").hexdigest()
    assert (
        caught.value.message
        == f"{tmp_path}/manifest.json has the digest sha256:{other}, but {tmp_path}/digest says sha256:{digest}"
    )
