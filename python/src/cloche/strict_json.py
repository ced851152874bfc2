"""JSON from strangers: what two parsers could read differently, or what could exhaust one, is refused.

RFC 8259 leaves duplicate member names undefined, and Python's parser takes NaN and Infinity, which are no JSON.
"""

import json
import math
import re
from array import array
from itertools import accumulate
from typing import Any

from cloche.errors import ClocheError
from cloche.limits import Limit

# Also one without an end, so that no text makes looking for it take longer than its length.
_TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
# What a bracket adds to the depth, as a signed byte, and all that is no bracket.
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_OTHERS = bytes(byte for byte in range(256) if byte not in b"[]{}")


class BadJsonError(ClocheError):
    """A text that is not the JSON it should be; the message names the text, the fault and where it is."""


def loads(data: bytes, *, what: str, limit: Limit) -> Any:  # noqa: ANN401 - JSON is of any shape
    """Return the value of a JSON text in UTF-8.

    `what` names the text in messages. Raises BadJsonError for more bytes, nesting or members than the limit, bytes that
    are no UTF-8, a duplicate name, NaN, Infinity, and anything that is no JSON.
    """
    if len(data) > limit.bytes:
        message = f"{what}: {len(data)} bytes, where at most {limit.bytes} are read"
        raise BadJsonError(message)
    _check_depth(data, what, limit.depth)
    members = 0

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal members
        members += len(found)
        if members > limit.members:
            message = f"{what}: more than {limit.members} members"
            raise BadJsonError(message)
        result = dict(found)
        if len(result) != len(found):
            names = [name for name, _ in found]
            twice = sorted({name for name in names if names.count(name) > 1})
            message = f"{what}: the name {twice[0]!r} stands twice in one object, which readers understand differently"
            raise BadJsonError(message)
        return result

    def constant(name: str) -> None:
        message = f"{what}: {name} is no JSON number"
        raise BadJsonError(message)

    def fraction(text: str) -> float:
        value = float(text)
        # Python reads 1e999 as Infinity.
        if not math.isfinite(value):
            message = f"{what}: the number {text[:20]} is too large"
            raise BadJsonError(message)
        return value

    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=pairs, parse_constant=constant, parse_float=fraction)
    except UnicodeDecodeError as error:
        message = f"{what}: byte {error.start} is no UTF-8"
        raise BadJsonError(message) from error
    except ValueError as error:
        message = f"{what} is no JSON: {error}"
        raise BadJsonError(message) from error


def _check_depth(data: bytes, what: str, most: int) -> None:
    steps = array("b", _TEXT.sub(b"", data).translate(_STEPS, _OTHERS))
    if max(accumulate(steps), default=0) > most:
        message = f"{what}: nested more than {most} levels deep"
        raise BadJsonError(message)
