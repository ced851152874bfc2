"""The check of packages.provenance: it notices what it should, and says it in these words."""

import json
from pathlib import Path
from typing import Any

import pytest

from cloche.attest import check, slsa, statement, test_result
from cloche.store import canonical_json
from cloche.store.derivation import FixedOutput

ONE, TWO = "1" * 64, "2" * 64
PLACE = "/nix/store/" + "a" * 32


def predicate(*names: str) -> dict[str, Any]:
    internal = {"derivation": f"{'a' * 32}-x.drv", "output": "out", "system": "s", "toolchain": "t"}
    build = slsa.Build("wheel", None, None, internal, "https://example.org/builder")
    outputs = [
        slsa.resource(
            FixedOutput(f"{PLACE}-{name}", {"sha256": ONE}, "nar" if name == "seed" else "flat"), f"pkg:generic/{name}"
        )
        for name in names
    ]
    return slsa.predicate(build, outputs, [])


@pytest.fixture
def attributes(tmp_path: Path) -> dict[str, Any]:
    """Return what the builder is given for a good provenance of two fixed outputs."""
    # The root names all others; `/nix/store` stands for the test's folder.
    files = {name: f"{tmp_path}/{'a' * 32}-{name}.drv" for name in ("root", "a", "again", "seed")}
    inputs = ",".join(f'("{files[name]}",["out"])' for name in ("a", "again", "seed"))
    for name, output in (
        ("root", f'("out","{PLACE}-built","","")'),
        ("a", f'("out","{PLACE}-a.whl","sha256","{ONE}")'),
        ("again", f'("out","{PLACE}-a.whl","sha256","{ONE}")'),
        ("seed", f'("out","{PLACE}-seed","r:sha256","{ONE}")'),
    ):
        Path(files[name]).write_text(f"Derive([{output}],[{inputs if name == 'root' else ''}],[],...)")
    write(tmp_path, predicate("a.whl", "seed"))
    return {
        "statements": str(tmp_path),
        "derivations": {"wheel": files["root"]},
        "outputs": {"out": str(tmp_path / "out")},
    }


def write(folder: Path, value: dict[str, Any], name: str = "provenance", kind: str = statement.PROVENANCE) -> Path:
    file = folder / f"wheel/{name}.json"
    file.parent.mkdir(exist_ok=True)
    subject = {"name": "x", "digest": {"sha256": TWO}}
    file.write_bytes(canonical_json.dumps(statement.make([subject], kind, value)))
    return file


def refused(attributes: dict[str, Any]) -> str:
    with pytest.raises(SystemExit) as caught:
        check.main(attributes)
    assert not Path(attributes["outputs"]["out"]).exists()
    return str(caught.value.code)


def test_what_is_as_it_should_be(
    attributes: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, test_result.predicate({"tests": []}, []), "test-result", statement.TEST_RESULT)
    check.main(attributes)
    assert capsys.readouterr().out == "wheel: 2 fixed outputs in 4 derivations\n"
    assert (tmp_path / "out").read_text() == "2 statements are as they should be\n"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a.whl"], f"wheel/provenance.json: resolvedDependencies lacks seed (r:sha256:{ONE})"),
        (["seed"], f"wheel/provenance.json: resolvedDependencies lacks a.whl (sha256:{ONE})"),
        (
            ["a.whl", "b.whl", "seed"],
            f"wheel/provenance.json: resolvedDependencies has b.whl (sha256:{ONE}) once too often",
        ),
    ],
)
def test_no_bijection(attributes: dict[str, Any], tmp_path: Path, names: list[str], message: str) -> None:
    write(tmp_path, predicate(*names))
    assert refused(attributes) == message


def test_a_swapped_digest(attributes: dict[str, Any], tmp_path: Path) -> None:
    value = predicate("a.whl", "seed")
    value["buildDefinition"]["resolvedDependencies"][0]["digest"]["sha256"] = TWO
    write(tmp_path, value)
    assert refused(attributes) == (
        f"wheel/provenance.json: resolvedDependencies lacks a.whl (sha256:{ONE})\n"
        f"wheel/provenance.json: resolvedDependencies has a.whl (sha256:{TWO}) once too often"
    )


def test_every_planted_change_is_noticed() -> None:
    good = predicate("a.whl", "seed")
    expected = check.listed(good)
    planted = check.planted(good)
    assert sorted(planted) == ["a digest changed", "one added", "one taken out", "one twice"]
    assert all(check.differences(bad, expected) for bad in planted.values())
    assert check.differences(good, expected) == []


def test_other_bytes_for_the_same_statement(attributes: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "wheel/provenance.json"
    file.write_text(json.dumps(json.loads(file.read_bytes()), indent=1))
    assert refused(attributes) == "wheel/provenance.json: it is no canonical JSON (RFC 8785)"


def test_what_no_schema_allows(attributes: dict[str, Any], tmp_path: Path) -> None:
    value = predicate("a.whl", "seed")
    value["runDetails"]["metadata"] = {"invocationId": "1"}
    write(tmp_path, value)
    assert refused(attributes) == (
        "wheel/provenance.json: predicate.runDetails: Additional properties are not allowed ('metadata' was unexpected)"
    )


def test_no_statement_at_all(attributes: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "wheel/provenance.json").unlink()
    assert refused(attributes) == "wheel: there is no provenance.json"
