"""`cloche verify`: images in a layout, and evidence that is attached to them."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cloche.image.descriptor import Descriptor
from cloche.image.layout import Layout
from conftest import Outcome
from trust import Release, layout


@pytest.fixture
def release(tmp_path: Path, run: Callable[..., Outcome]) -> Release:
    return Release(tmp_path, run)


def test_image_in_a_layout(release: Release) -> None:
    folder = release.folder / "image"
    digest = layout(folder)
    reference = f"oci:{folder}@{digest}"
    release.signed(statements=release.statements(subject=reference))  # type: ignore[arg-type]
    code, rows = release.rows(artifact=reference)
    assert code == 0
    assert "image of 10 layers, each compared with its digest" in rows[0]["reason"]

    layer = folder / "blobs/sha256" / hashlib.sha256(b"layer 4").hexdigest()
    layer.write_bytes(b"layer 5")
    words = f"{folder} gave other bytes for sha256:{{}}: they have sha256:{{}}. They were changed; nothing was used"
    reason = words.format(layer.name, hashlib.sha256(b"layer 5").hexdigest())
    release.refused(15, reason, artifact=reference)
    layer.unlink()
    release.refused(12, f"{layer} is missing, which the manifest names", artifact=reference)


def test_image_whose_manifest_names_another_layer(release: Release) -> None:
    folder = release.folder / "image"
    digest = layout(folder)
    release.signed(statements=release.statements(subject=f"oci:{folder}@{digest}"))  # type: ignore[arg-type]
    manifest = folder / "blobs/sha256" / digest.removeprefix("sha256:")
    data = json.loads(manifest.read_text())
    data["layers"][4] = data["layers"][5]
    manifest.write_text(json.dumps(data))
    true = hashlib.sha256(manifest.read_bytes()).hexdigest()
    reason = f"{folder} gave other bytes for {digest}: they have sha256:{true}. They were changed; nothing was used"
    release.refused(15, reason, artifact=f"oci:{folder}@{digest}")
    # Under its true digest it is another image, about which nobody said anything.
    manifest.rename(manifest.with_name(true))
    assert release.rows(artifact=f"oci:{folder}@sha256:{true}")[0] == 23


@pytest.mark.parametrize(
    "reference",
    [
        "registry.example/demo:1.0",
        "localhost:5000/demo:latest",
        "oci:image",
        "oci:image@latest",
        "oci:",
        "oci:image@sha256:abc",
    ],
)
def test_mutable_reference(release: Release, reference: str) -> None:
    release.signed()
    assert release.rows(artifact=reference)[0] == 13


def test_evidence_that_is_attached_to_an_image(release: Release) -> None:
    folder = release.folder / "image"
    digest = layout(folder)
    reference = f"oci:{folder}@{digest}"
    release.signed(statements=release.statements(subject=reference))  # type: ignore[arg-type]
    shelf = Layout(folder)
    kind = "application/vnd.dev.sigstore.bundle.v0.3+json"
    manifest = folder / "blobs/sha256" / digest.removeprefix("sha256:")
    subject = Descriptor("application/vnd.oci.image.manifest.v1+json", digest, manifest.stat().st_size)
    for path in sorted(release.bundles.glob("*.sigstore.json")):
        shelf.attach(subject, kind, path.read_bytes(), kind)
    words = ("verify", "--json", "--policy", str(release.policy()), reference)
    outcome = release.run(*words)
    assert outcome.code == 0, outcome.out
    assert outcome.out.count('"what": "signature in attached ') == 3
    # Evidence is what was signed, and not what was attached: a foreign bundle beside it is refused.
    shelf.attach(subject, kind, b'{"mediaType": "x"}', kind)
    assert release.run(*words).code == 14
