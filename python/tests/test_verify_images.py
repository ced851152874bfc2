"""`cloche verify`: images in a layout, and evidence that is attached to them."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cloche.image.descriptor import Descriptor
from cloche.image.layout import Layout
from cloche.untrusted.limits import STATEMENT, Limit
from cloche.verify import evidence
from conftest import Outcome
from trust import Release, layout

BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"


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


def attach_by_hand(folder: Path, subject: dict[str, object], blob: bytes, times: int, size: int | None = None) -> None:
    """Attach one blob many times, as a stranger's registry may have it."""
    sha256 = hashlib.sha256(blob).hexdigest()
    (folder / "blobs/sha256" / sha256).write_bytes(blob)
    kind = "application/vnd.oci.image.manifest.v1+json"
    named = {"mediaType": BUNDLE_TYPE, "digest": f"sha256:{sha256}", "size": len(blob) if size is None else size}
    empty = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": f"sha256:{'0' * 64}", "size": 2}
    manifest = {"schemaVersion": 2, "mediaType": kind, "config": empty, "layers": [named] * times, "subject": subject}
    data = json.dumps({**manifest, "artifactType": BUNDLE_TYPE}).encode()
    digest = hashlib.sha256(data).hexdigest()
    (folder / "blobs/sha256" / digest).write_bytes(data)
    listed = [{"mediaType": kind, "digest": f"sha256:{digest}", "size": len(data)}]
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": listed}))


def test_blob_that_is_named_many_times_is_read_once(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = release.folder / "image"
    digest = layout(folder)
    release.signed(statements=release.statements(subject=f"oci:{folder}@{digest}"))  # type: ignore[arg-type]
    subject = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": 1}
    blob = (release.bundles / "default.sbom.sigstore.json").read_bytes()
    words = ("verify", "--json", "--policy", str(release.policy()), f"oci:{folder}@{digest}")
    read: list[str] = []
    plain = Layout.blob

    def counted(self: Layout, digest: str, limit: Limit = STATEMENT) -> bytes:
        read.append(digest)
        return plain(self, digest, limit)

    monkeypatch.setattr(Layout, "blob", counted)
    attach_by_hand(folder, subject, blob, times=40)
    outcome = release.run(*words)
    assert outcome.out.count('"what": "signature in attached ') == 1
    assert read == [f"sha256:{hashlib.sha256(blob).hexdigest()}"]

    # What the manifest says is believed neither way.
    attach_by_hand(folder, subject, blob, times=1, size=len(blob) + 1)
    outcome = release.run(*words)
    assert outcome.code == 14
    assert f"has {len(blob) + 1} bytes, and it has {len(blob)}" in outcome.out
    attach_by_hand(folder, subject, blob, times=1, size=10)
    outcome = release.run(*words)
    assert outcome.code == 14
    assert "has more than 10 bytes, which is the most that is read" in outcome.out

    # More than is read altogether is not even asked for.
    monkeypatch.setattr(evidence, "EVIDENCE", Limit(bytes=len(blob), members=1000))
    read.clear()
    attach_by_hand(folder, subject, blob, times=1)
    outcome = release.run(*words)
    assert outcome.code == 14
    assert f"all evidence together has more than {len(blob)} bytes, and no more are read" in outcome.out
    assert not read


@pytest.mark.parametrize("name", ["Layers", "layer\u017f", "Subject", "Manifests", "media_type"])
def test_manifest_whose_names_are_spelled_otherwise(release: Release, name: str) -> None:
    folder = release.folder / "image"
    digest = layout(folder)
    release.signed(statements=release.statements(subject=f"oci:{folder}@{digest}"))  # type: ignore[arg-type]
    data = json.loads((folder / "blobs/sha256" / digest.removeprefix("sha256:")).read_text())
    changed = json.dumps({**data, name: []}).encode()
    found = hashlib.sha256(changed).hexdigest()
    (folder / "blobs/sha256" / found).write_bytes(changed)
    code, rows = release.rows(artifact=f"oci:{folder}@sha256:{found}")
    assert code == 14
    assert f"the manifest sha256:{found}: the name {name!r} differs from " in rows[0]["reason"]
