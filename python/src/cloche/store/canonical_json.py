"""Canonical JSON by RFC 8785: one value has one text, so that a digest names the value.

Needs the library rfc8785 (group `attest`).
"""

from typing import Any

import rfc8785


def dumps(value: Any) -> bytes:  # noqa: ANN401 - JSON is of any shape
    """Return the canonical text of a value of JSON, without a newline at the end.

    Raises rfc8785.CanonicalizationError for what JSON has not, such as NaN or an integer beyond 2**53.
    """
    return rfc8785.dumps(value)
