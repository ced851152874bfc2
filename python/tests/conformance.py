"""The bundles of sigstore-conformance, which are not in this repository: CLOCHE_CONFORMANCE names a checkout of it."""

import os
from pathlib import Path

ABSENT = "CLOCHE_CONFORMANCE names no checkout of sigstore-conformance"
CASE = "happy-path-v0.3/bundle.sigstore.json"


def find(given: str | None) -> Path | None:
    """Return the folder with the cases, None where nothing is given; raises ValueError where there are none.

    `given` is the checkout or its folder test/assets/bundle-verify.
    """
    if not given:
        return None
    places = [Path(given), Path(given, "test/assets/bundle-verify")]
    for place in places:
        if (place / CASE).is_file():
            return place
    message = (
        f"CLOCHE_CONFORMANCE={given}: there is no {CASE} in it, nor in its folder test/assets/bundle-verify; "
        "name a checkout of sigstore-conformance, or unset the variable"
    )
    raise ValueError(message)


def folder() -> Path | None:
    """Return the folder that the environment names."""
    return find(os.environ.get("CLOCHE_CONFORMANCE"))
