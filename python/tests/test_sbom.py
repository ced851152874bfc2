"""The SBOM of a made-up closure: what is listed, both formats, and what the check catches."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from cloche.sbom import build, check, closure, cyclonedx, inventory, spdx

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


def test_the_serial_number_names_the_subject() -> None:
    one = build.serial_number("application", "runtime", HEX)
    assert one.version == 5
    assert one == build.serial_number("application", "runtime", HEX)
    assert one != build.serial_number("application", "runtime", "0" * 64)
    assert one != build.serial_number("application", "build", HEX)
