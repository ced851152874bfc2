"""Where the bundles of sigstore-conformance are looked for."""

from pathlib import Path

import pytest

import conformance


def test_a_checkout_and_its_folder_are_the_same(tmp_path: Path) -> None:
    cases = tmp_path / "test/assets/bundle-verify"
    (cases / conformance.CASE).parent.mkdir(parents=True)
    (cases / conformance.CASE).write_text("{}")
    assert conformance.find(str(tmp_path)) == conformance.find(str(cases)) == cases
    assert conformance.find(None) is conformance.find("") is None


def test_a_folder_without_cases_is_a_message(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="CLOCHE_CONFORMANCE") as caught:
        conformance.find(str(tmp_path))
    assert str(caught.value) == (
        f"CLOCHE_CONFORMANCE={tmp_path}: there is no happy-path-v0.3/bundle.sigstore.json in it, nor in its folder "
        "test/assets/bundle-verify; name a checkout of sigstore-conformance, or unset the variable"
    )
