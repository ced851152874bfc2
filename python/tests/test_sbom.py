"""The SBOM of a made-up closure: what is listed, both formats, and what the check catches."""

import gc
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from cloche.sbom import build, build_closure, check, closure, cyclonedx, inventory, spdx

NAR = "sha256:029y77pi14x8p1051wpq8wpnfygwb4fiawc4l0dv8ssknkfi6c9w"
HEX = "3c3113ddb4536bb41ba08471151d59fc79672f47f8f25040b8a89310ef393e09"
LOADER = "/nix/store/aaaa-cloche-base/lib/ld-linux-x86-64.so.2"
WHEEL = {"version": "1.0", "sha256": "b" * 64, "license": "MIT", "dependencies": []}
DEB = {
    "name": "libfoo1",
    "version": "1:1.2-3+b1",
    "sha256": "d" * 64,
    "file": "libfoo1_1.2-3+b1_amd64.deb",
    "source": "foo",
    "sourceVersion": "1:1.2-3",
    "distribution": "debian-12",
}


class Store:
    """A store in a folder: the application, its environment, two wheels, the project and the base."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.known: list[dict[str, Any]] = []
        self.graph: list[dict[str, Any]] = []
        base = self.add("base", "prefix", packages=[DEB], name="cloche-base")
        alpha = self.add("alpha", "wheel", packages=[{**WHEEL, "name": "alpha", "file": "alpha-1.0-py3-none-any.whl"}])
        beta = self.add(
            "beta",
            "wheel",
            packages=[{**WHEEL, "name": "beta", "file": "beta-1.0.tar.gz", "dependencies": ["alpha", "not-there"]}],
            references=[base],
        )
        project = self.add("demo", "project")
        info = Path(project, "lib/python3.11/site-packages/demo-2.0.dist-info")
        info.mkdir(parents=True)
        (info / "METADATA").write_text(
            "Metadata-Version: 2.4\nName: Demo\nVersion: 2.0\nLicense-Expression: Apache-2.0\nRequires-Dist: Beta>=1\n"
        )
        environment = self.add("environment", "made", references=[alpha, beta, project, base])
        self.root = self.add("application", "made", references=[environment])

    def add(
        self,
        path: str,
        holds: str,
        *,
        packages: list[dict[str, Any]] | None = None,
        name: str = "",
        references: list[str] | None = None,
    ) -> str:
        """Add a store path and what is known of it."""
        full = self.folder / path
        full.mkdir()
        self.graph.append(
            {"path": str(full), "narHash": NAR, "narSize": 1, "references": [*(references or []), str(full)]}
        )
        self.known.append({"path": str(full), "holds": holds, "name": name, "packages": packages or []})
        return str(full)

    def take(self) -> inventory.Inventory:
        """Return the inventory of the application."""
        subject = inventory.Component("subject", "application", "demo", "2.0")
        project = {"file": "demo-2.0-py3-none-any.whl", "sha256": "e" * 64, "revision": "f" * 40}
        return inventory.take(subject, HEX, inventory.Evidence(closure.read(self.graph), self.known, project, LOADER))

    def documents(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the SBOM in both formats."""
        taken = self.take()
        serial = build.serial_number("application", "runtime", HEX)
        bom = json.loads(cyclonedx.dumps(taken, serial, "0.1.0"))
        document = json.loads(spdx.dumps(taken, "https://cloche.example/x", datetime(1980, 1, 1), "0.1.0"))  # noqa: DTZ001 - SPDX has no zone
        return bom, document

    def expected(self) -> check.Expected:
        """Return what the check expects to be listed."""
        return check.expect(self.graph, self.known, HEX)


@pytest.fixture(autouse=True)
def _collector() -> Iterator[None]:
    """Switch the garbage collector on again, which the builder switches off for its own process."""
    yield
    gc.enable()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    folder = tmp_path / "store"
    folder.mkdir()
    return Store(folder)


def component(bom: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (entry for entry in bom["components"] if entry["name"] == name)
    assert isinstance(found, dict)
    return found


def properties(entry: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(found["name"], found.get("value")) for found in entry["properties"]]


def test_hashes_are_read_as_nix_writes_them() -> None:
    assert closure.hexadecimal(NAR) == HEX


@pytest.mark.parametrize("text", ["md5:029y", "sha256:", "sha256:eeee", "sha256:" + "z" * 60])
def test_other_texts_are_no_hashes(text: str) -> None:
    with pytest.raises(ValueError, match="sha256"):
        closure.hexadecimal(text)


def test_python_packages_are_listed_as_published(store: Store) -> None:
    bom, document = store.documents()
    alpha = component(bom, "alpha")
    assert alpha["purl"] == "pkg:pypi/alpha@1.0"
    assert alpha["hashes"] == [{"alg": "SHA-256", "content": "b" * 64}]
    assert alpha["licenses"] == [{"acknowledgement": "declared", "expression": "MIT"}]
    assert ("cloche:file", "alpha-1.0-py3-none-any.whl") in properties(alpha)
    (package,) = (entry for entry in document["packages"] if entry["name"] == "alpha")
    assert package["checksums"] == [{"algorithm": "SHA256", "checksumValue": "b" * 64}]
    assert package["packageFileName"] == "alpha-1.0-py3-none-any.whl"
    assert package["licenseDeclared"] == "MIT"


def test_what_was_built_from_an_sdist_says_so(store: Store) -> None:
    beta = component(store.documents()[0], "beta")
    assert ("cloche:built-from", "sdist") in properties(beta)
    assert ("cloche:file", "beta-1.0.tar.gz") in properties(beta)


def test_debian_packages_name_version_and_source(store: Store) -> None:
    bom, document = store.documents()
    foo = component(bom, "libfoo1")
    assert foo["purl"] == "pkg:deb/debian/libfoo1@1:1.2-3%2Bb1?arch=amd64&distro=debian-12"
    assert ("cloche:source", "foo") in properties(foo)
    assert ("cloche:source-version", "1:1.2-3") in properties(foo)
    (package,) = (entry for entry in document["packages"] if entry["name"] == "libfoo1")
    assert package["sourceInfo"] == "source package foo 1:1.2-3"


def test_the_project_has_its_revision(store: Store) -> None:
    demo = component(store.documents()[0], "demo")
    assert ("cloche:revision", "f" * 40) in properties(demo)
    assert "purl" not in demo
    assert demo["hashes"] == [{"alg": "SHA-256", "content": "e" * 64}]


def test_a_dirty_tree_has_a_revision_without_a_value(store: Store) -> None:
    found, _ = inventory.read_project(str(store.folder / "demo"), {"file": "x", "sha256": "e" * 64, "revision": None})
    assert ("cloche:revision", "") in found.properties


def test_edges_lead_from_the_subject_to_everything(store: Store) -> None:
    edges = {entry["ref"]: entry.get("dependsOn", []) for entry in store.documents()[0]["dependencies"]}
    assert edges["subject"] == ["prefix:cloche-base", "project:demo"]
    assert edges["project:demo"] == ["pkg:pypi/beta@1.0"]
    assert edges["pkg:pypi/beta@1.0"] == ["pkg:pypi/alpha@1.0"]


def test_a_circle_that_nothing_else_needs_hangs_on_the_subject(store: Store) -> None:
    for name, other in (("chicken", "egg"), ("egg", "chicken")):
        store.add(
            name,
            "wheel",
            packages=[{**WHEEL, "name": name, "file": f"{name}-1.0-py3-none-any.whl", "dependencies": [other]}],
        )
    assert {"pkg:pypi/chicken@1.0", "pkg:pypi/egg@1.0"} <= store.take().edges["subject"]


def test_patched_executables_are_noted(store: Store) -> None:
    binary = store.folder / "alpha/bin/tool"
    binary.parent.mkdir()
    binary.write_bytes(b"\x7fELF" + b"\0" * 60 + LOADER.encode() + b"\0")
    binary.chmod(0o755)
    library = store.folder / "alpha/library.so"
    library.write_bytes(b"\x7fELF" + b"\0" * 60)
    library.chmod(0o755)
    # Only a patched wheel refers to the base.
    entry = next(entry for entry in store.graph if entry["path"].endswith("/alpha"))
    entry["references"].append(str(store.folder / "base"))
    found = properties(component(store.documents()[0], "alpha"))
    assert [value for name, value in found if name == "cloche:patched-executable"] == ["bin/tool"]


def test_what_an_override_leaves_out_is_noted(store: Store) -> None:
    store.known[1]["packages"][0]["leftOut"] = ["tests/*"]
    assert ("cloche:left-out", "tests/*") in properties(component(store.documents()[0], "alpha"))


SCRIPT = """
import sys, uuid
from datetime import datetime
from cloche.sbom import cyclonedx, inventory, spdx
taken = inventory.Inventory(inventory.Component("subject", "application", "x", "1", paths=frozenset("abc")), "0" * 64)
taken.nar = dict.fromkeys("abcdef", "1" * 64)
for name in ("one", "two", "three", "four"):
    entry = {"name": name, "version": "1", "sha256": "a" * 64, "file": f"{name}.whl", "license": "MIT"}
    ref = taken.add(inventory.python(entry, frozenset("def")))
    taken.edges.setdefault("subject", set()).add(ref)
taken.edges[ref] |= {"pkg:pypi/one@1", "pkg:pypi/two@1", "pkg:pypi/three@1"}
sys.stdout.write(cyclonedx.dumps(taken, uuid.UUID(int=0), "1") + spdx.dumps(taken, "https://x.example/y", datetime(1980, 1, 1), "1"))
"""


def test_the_bytes_are_the_same_whatever_the_hash_seed() -> None:
    written = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT], check=True, capture_output=True, env={**os.environ, "PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(written) == 1


def test_an_unknown_path_is_an_error_that_names_it(store: Store) -> None:
    store.known = [entry for entry in store.known if not entry["path"].endswith("/alpha")]
    with pytest.raises(inventory.InventoryError) as caught:
        store.take()
    assert str(caught.value) == (
        "the closure has store paths of which no published package is known, so the SBOM would not be complete:\n"
        f"  {store.folder}/alpha\n    needed by {store.folder}/environment\n"
        "Take them out of what the project is made of, or say what they are by the option cloche.sbom.components."
    )


def test_a_licence_that_spdx_does_not_know_is_told_in_words(store: Store) -> None:
    store.known[1]["packages"][0]["license"] = "Nobody's"
    _, document = store.documents()
    (package,) = (entry for entry in document["packages"] if entry["name"] == "alpha")
    assert package["licenseDeclared"] == "NOASSERTION"
    assert package["licenseComments"] == "declared as: Nobody's"


def test_a_sound_sbom_passes_and_its_falsifications_do_not(store: Store) -> None:
    bom, document = store.documents()
    expected = store.expected()
    assert check.differences_cyclonedx(bom, expected) == []
    assert check.differences_spdx(document, expected) == []
    assert check.schema_cyclonedx(json.dumps(bom)) == []
    assert check.controls(bom, document, expected) == 2 * (len(bom["components"]) + 2)


def test_a_stripped_component_is_named(store: Store) -> None:
    bom, document = store.documents()
    bom["components"] = [entry for entry in bom["components"] if entry["name"] != "alpha"]
    assert check.differences_cyclonedx(bom, store.expected()) == [
        f"missing: pypi alpha 1.0 {'b' * 64}",
        f"no component has the store path {store.folder}/alpha",
        "a dependency on pkg:pypi/alpha@1.0, which is not listed",
    ]
    document["packages"] = [entry for entry in document["packages"] if entry["name"] != "libfoo1"]
    assert f"missing: deb libfoo1 1:1.2-3+b1 {'d' * 64}" in check.differences_spdx(document, store.expected())


def test_a_stripped_component_is_missed_with_its_edges_too(store: Store) -> None:
    bom, _ = store.documents()
    bom["components"] = [entry for entry in bom["components"] if entry["name"] != "libfoo1"]
    for entry in bom["dependencies"]:
        entry["dependsOn"] = [ref for ref in entry.get("dependsOn", []) if "libfoo1" not in ref]
    bom["dependencies"] = [entry for entry in bom["dependencies"] if "libfoo1" not in entry["ref"]]
    assert check.differences_cyclonedx(bom, store.expected()) == [f"missing: deb libfoo1 1:1.2-3+b1 {'d' * 64}"]


def test_a_purl_that_names_another_package_is_a_fault(store: Store) -> None:
    bom, _ = store.documents()
    component(bom, "alpha")["purl"] = "pkg:pypi/omega@1.0"
    assert "alpha 1.0: its purl is pkg:pypi/omega@1.0" in check.differences_cyclonedx(bom, store.expected())


def test_another_subject_is_a_fault(store: Store) -> None:
    bom, document = store.documents()
    expected = check.expect(store.graph, store.known, "0" * 64)
    assert check.differences_cyclonedx(bom, expected) == [f"the subject's sha256 is ['{HEX}'], it should be {'0' * 64}"]
    assert check.differences_spdx(document, expected) == [f"the subject's sha256 is ['{HEX}'], it should be {'0' * 64}"]


def test_the_schema_is_asked(store: Store) -> None:
    bom, _ = store.documents()
    bom["unheard-of"] = 1
    (fault,) = check.schema_cyclonedx(json.dumps(bom))
    assert fault.startswith("not valid by CycloneDX's schema: ")


def test_spdx_is_judged_by_its_own_library(store: Store, tmp_path: Path) -> None:
    _, document = store.documents()
    path = tmp_path / "sbom.spdx.json"
    path.write_text(json.dumps(document))
    assert check.validity_spdx(path) == []
    document["packages"][0]["licenseDeclared"] = "Nobody-s-licence"
    path.write_text(json.dumps(document))
    assert len(check.validity_spdx(path)) == 1
    del document["creationInfo"]
    path.write_text(json.dumps(document))
    assert len(check.validity_spdx(path)) >= 1


def test_spdx_is_judged_by_the_schema_too(store: Store, tmp_path: Path) -> None:
    bom, document = store.documents()
    schema = (resources.files("lib4sbom") / "schemas/spdx/2.3-schema.json").read_bytes()
    # schemas/spdx-schema.json of the tag v2.3 of SPDX's specification.
    assert hashlib.sha256(schema).hexdigest() == "239208b7ac287b3cf5d9a9af23f9d69863971102a5e1587a27a398b43490b89b"
    assert check.schema_spdx(document) == []
    assert check.schema_controls(bom, document) == 2
    # What the library reads without a word.
    document["packages"][0]["supplierOfTheSupplier"] = "nobody"
    path = tmp_path / "sbom.spdx.json"
    path.write_text(json.dumps(document))
    assert check.validity_spdx(path) == []
    assert check.differences_spdx(document, store.expected()) == []
    assert check.schema_spdx(document) == [
        "not valid by SPDX's schema: $.packages[0]: Additional properties are not allowed ('supplierOfTheSupplier' was unexpected)"
    ]


@pytest.mark.parametrize("blind", ["schema_cyclonedx", "schema_spdx"])
def test_a_schema_that_is_not_asked_is_noticed(store: Store, blind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bom, document = store.documents()
    monkeypatch.setattr(check, blind, lambda _: [])
    name = {"schema_cyclonedx": "CycloneDX", "schema_spdx": "SPDX"}[blind]
    with pytest.raises(SystemExit, match=f"^{name}: the check did not notice a member that the schema does not know$"):
        check.schema_controls(bom, document)


def test_the_serial_number_names_the_subject() -> None:
    one = build.serial_number("application", "runtime", HEX)
    assert one.version == 5
    assert one == build.serial_number("application", "runtime", HEX)
    assert one != build.serial_number("application", "runtime", "0" * 64)
    assert one != build.serial_number("application", "build", HEX)


def derivation_file(path: Path, output: str, algorithm: str = "", digest: str = "") -> None:
    path.write_text(
        f'Derive([("out","{output}","{algorithm}","{digest}")],[],[],"x86_64-linux","bash",[],[("text","a\\"b\\\\n")])'
    )


@pytest.fixture
def build_graph(tmp_path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """Return a build closure (a wheel, an unknown file, the seed, a made output, a source), and what is known of it."""
    wheel = {**WHEEL, "name": "alpha", "file": "alpha-1.0-py3-none-any.whl"}
    derivation_file(tmp_path / "a.drv", "/nix/store/1-alpha.whl", "sha256", "b" * 64)
    derivation_file(tmp_path / "b.drv", "/nix/store/2-unknown.tar.gz", "sha256", "c" * 64)
    derivation_file(tmp_path / "c.drv", "/nix/store/3-cloche-seed", "r:sha256", "d" * 64)
    derivation_file(tmp_path / "d.drv", "/nix/store/4-made")
    paths = [
        *(str(tmp_path / f"{name}.drv") for name in "abcd"),
        "/nix/store/1-alpha.whl",
        "/nix/store/2-unknown.tar.gz",
    ]
    paths += ["/nix/store/3-cloche-seed", "/nix/store/4-made", "/nix/store/5-demo-source", "/nix/store/6-script.py"]
    graph = [{"path": path, "narHash": NAR, "narSize": 1, "references": []} for path in paths]
    known: list[dict[str, Any]] = [
        {"path": "/nix/store/3-cloche-seed", "holds": "prefix", "name": "cloche-seed", "packages": [DEB]},
        {"path": "/nix/store/5-demo-source", "holds": "source", "packages": []},
        {"path": "/nix/store/9-not-here", "holds": "wheel", "packages": [wheel]},
    ]
    return graph, known, [wheel, {**DEB, "sha256": "0" * 64}]


Graph = tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]


def test_the_build_closure_is_listed_by_its_sources(build_graph: Graph) -> None:
    graph, known, locked = build_graph
    subject = inventory.Component("subject", "application", "demo", "2.0")
    evidence = inventory.Evidence(closure.read(graph), known, {"revision": "f" * 40}, LOADER)
    taken = build_closure.take(subject, HEX, evidence, locked)
    assert sorted((component.name, component.sha256) for component in taken.components.values()) == [
        ("alpha", "b" * 64),
        ("cloche-seed", None),
        ("demo-source", None),
        ("libfoo1", "d" * 64),
        ("script.py", None),
        ("unknown.tar.gz", "c" * 64),
    ]
    (source,) = (component for component in taken.components.values() if component.name == "demo-source")
    assert source.properties == {("cloche:revision", "f" * 40), ("cloche:source-of", "demo")}
    expected = check.expect_build(graph, known, locked, HEX)
    bom = json.loads(cyclonedx.dumps(taken, build.serial_number("application", "build", HEX), "0.1.0"))
    document = json.loads(spdx.dumps(taken, "https://cloche.example/x", datetime(1980, 1, 1), "0.1.0"))  # noqa: DTZ001
    assert check.differences_cyclonedx(bom, expected) == []
    assert check.differences_spdx(document, expected) == []
    assert check.controls(bom, document, expected) == 16


def attributes(store: Store, tmp_path: Path, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any attribute
    """Return the derivation's attributes, for the builder and for the check."""
    wheel = tmp_path / "wheel"
    wheel.mkdir()
    (wheel / "demo-2.0-py3-none-any.whl").write_bytes(b"wheel")
    given = {
        "closure": store.graph,
        "known": store.known,
        "locked": [],
        "scope": "runtime",
        "image": None,
        "kind": "application",
        "roots": [store.root],
        "subject": "demo",
        "version": "2.0",
        "wheel": str(wheel),
        "revision": None,
        "loader": LOADER,
        "clocheVersion": "0.1.0",
        "outputs": {"out": str(tmp_path / "out")},
    }
    return {**given, **more}


def test_the_builder_and_the_check(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "315532800")
    given = attributes(store, tmp_path)
    build.main(given)
    written = json.loads((tmp_path / "out/sbom.spdx.json").read_text())
    assert written["creationInfo"]["created"] == "1980-01-01T00:00:00Z"
    judged = {**given, "sbom": str(tmp_path / "out"), "outputs": {"out": str(tmp_path / "verdict")}}
    check.main(judged)
    assert (tmp_path / "verdict").read_text() == capsys.readouterr().out
    assert (
        "6 store paths and 3 published packages are accounted for in both formats; 16 falsified"
        in (tmp_path / "verdict").read_text()
    )
    # One component less on the disk.
    bom = json.loads((tmp_path / "out/sbom.cdx.json").read_text())
    bom["components"] = [entry for entry in bom["components"] if entry["name"] != "alpha"]
    (tmp_path / "out/sbom.cdx.json").write_text(json.dumps(bom))
    with pytest.raises(SystemExit) as ended:
        check.main(judged)
    assert str(ended.value).startswith(
        f"{tmp_path}/out is not a sound SBOM:\n  sbom.cdx.json: missing: pypi alpha 1.0 {'b' * 64}\n"
    )


def test_an_image_is_named_by_its_manifest(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "315532800")
    (tmp_path / "digest").write_text(f"sha256:{'7' * 64}\n")
    given = attributes(store, tmp_path, image=str(tmp_path), kind="image")
    build.main(given)
    bom = json.loads((tmp_path / "out/sbom.cdx.json").read_text())
    assert bom["metadata"]["component"]["type"] == "container"
    assert bom["serialNumber"] == f"urn:uuid:{build.serial_number('image', 'runtime', '7' * 64)}"
    check.main({**given, "sbom": str(tmp_path / "out"), "outputs": {"out": str(tmp_path / "verdict")}})


def test_the_builder_tells_of_an_unknown_path(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "315532800")
    known = [entry for entry in store.known if not entry["path"].endswith("/alpha")]
    with pytest.raises(SystemExit, match="the closure has store paths of which no published package is known"):
        build.main(attributes(store, tmp_path, known=known))
    assert not (tmp_path / "out").exists()


def test_a_format_that_cannot_be_written_ends_the_build(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "never")
    with pytest.raises(SystemExit, match=r"^sbom\.spdx\.json could not be written; the reason is above$"):
        build.main(attributes(store, tmp_path))


def test_a_blind_check_is_found_out(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    bom, document = store.documents()
    monkeypatch.setattr(check, "_compare", lambda *_: [])
    monkeypatch.setattr(check, "_unreachable", lambda *_: [])
    with pytest.raises(SystemExit, match=r"^CycloneDX: the check did not notice that alpha was taken out$"):
        check.controls(bom, document, store.expected())


def test_a_declared_package_is_listed(store: Store) -> None:
    package = {"name": "openblas", "version": "0.3", "purl": None, "sha256": None, "license": "BSD-3-Clause"}
    store.add("openblas", "other", packages=[package])
    bom, _ = store.documents()
    assert component(bom, "openblas")["licenses"][0]["expression"] == "BSD-3-Clause"
    assert check.differences_cyclonedx(bom, store.expected()) == []
    bom["components"] = [entry for entry in bom["components"] if entry["name"] != "openblas"]
    assert "missing: other openblas 0.3 None" in check.differences_cyclonedx(bom, store.expected())
