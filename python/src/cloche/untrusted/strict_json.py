"""JSON from strangers: what two parsers could read differently, or what could exhaust one, is refused.

RFC 8259 leaves duplicate member names and halves of a surrogate pair undefined, and Python's parser takes NaN and
Infinity, which are no JSON. Where another reader also takes `Subject` for `subject`, see cloche.untrusted.spelling.
"""

import json
import math
import re
from array import array
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from cloche.errors import ClocheError
from cloche.untrusted import regular_file
from cloche.untrusted.limits import Limit

# Also one without an end, so that no text makes looking for it take longer than its length.
_TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
# What a bracket adds to the depth, as a signed byte, and all that is no bracket.
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_OTHERS = bytes(byte for byte in range(256) if byte not in b"[]{}")
# From here on a whole number may be too large for a double, and from 4,300 on Python converts none. Looked for at the begin
# of a number alone, so that each digit is looked at once.
_DIGITS = 309
_LONG = re.compile(rb"(?<![0-9])[0-9]{%d}" % _DIGITS)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
# A value without a name takes memory too: so many of them for each member that is allowed.
VALUES = 10


class BadJsonError(ClocheError):
    """A text that is not the JSON it should be; the message names the text, the fault and where it is."""


def load(path: Path, *, limit: Limit, what: str | None = None) -> Any:  # noqa: ANN401 - JSON is of any shape
    """Return the value of a regular file, of which never more is read than the limit's bytes.

    `what` names the text in messages, in place of the path. Raises OSError (see cloche.untrusted.regular_file) and BadJsonError.
    """
    return loads(regular_file.read(path, limit), what=what or str(path), limit=limit)


def loads(data: bytes, *, what: str, limit: Limit) -> Any:  # noqa: ANN401 - JSON is of any shape
    """Return the value of a JSON text in UTF-8.

    `what` names the text in messages. Raises BadJsonError for more bytes, nesting, members or values than the limit,
    bytes that are no UTF-8, a duplicate name, half of a surrogate pair, NaN, Infinity, and anything that is no JSON.
    """
    if len(data) > limit.bytes:
        message = f"{what}: {len(data)} bytes, where at most {limit.bytes} are read"
        raise BadJsonError(message)
    _check_shape(data, what, limit)
    try:
        value = json.loads(data.decode("utf-8"), **_hooks(what, limit))
        if _SURROGATE.search(data):
            # Pairs have become one character each, and what is left of them no encoding takes.
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        message = f"{what}: byte {error.start} is no UTF-8"
        raise BadJsonError(message) from error
    except UnicodeEncodeError as error:
        half = ord(error.object[error.start])
        message = f"{what}: \\u{half:04x} is half of a character, which readers understand differently"
        raise BadJsonError(message) from error
    except ValueError as error:
        message = f"{what} is no JSON: {error}"
        raise BadJsonError(message) from error
    return value


def _hooks(what: str, limit: Limit) -> dict[str, Any]:
    """Return what looks at the objects and numbers of a text as they are read."""
    members = 0

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal members
        members += len(found)
        if members > limit.members:
            message = f"{what}: more than {limit.members} members"
            raise BadJsonError(message)
        result = dict(found)
        if len(result) != len(found):
            twice = min(repeated([name for name, _ in found]))
            message = f"{what}: the name {twice!r} stands twice in one object, which readers understand differently"
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

    return {"object_pairs_hook": pairs, "parse_constant": constant, "parse_float": fraction}


def repeated(names: Sequence[str]) -> list[str]:
    """Return the names that stand more than once, each once, in their order; takes one pass."""
    return [name for name, count in Counter(names).items() if count > 1]


def _check_shape(data: bytes, what: str, limit: Limit) -> None:
    """Refuse what would be too deep or too large as Python's values, before any of them is made."""
    marks = _TEXT.sub(b"", data)
    steps = array("b", marks.translate(_STEPS, _OTHERS))
    if max(accumulate(steps), default=0) > limit.depth:
        message = f"{what}: nested more than {limit.depth} levels deep"
        raise BadJsonError(message)
    if _LONG.search(marks):
        message = f"{what}: a number of {_DIGITS} digits or more, which is too large"
        raise BadJsonError(message)
    if marks.count(b",") + len(steps) // 2 > VALUES * limit.members:
        message = f"{what}: more than {VALUES * limit.members} values"
        raise BadJsonError(message)
