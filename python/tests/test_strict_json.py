"""JSON that readers could understand differently is refused, with the place."""

import pytest

from cloche.limits import Limit
from cloche.strict_json import BadJsonError, loads

SMALL = Limit(bytes=200, depth=3, members=4)


def read(text: bytes) -> object:
    return loads(text, what="bundle.json", limit=SMALL)


def test_ordinary_json_is_read() -> None:
    assert read(b'{"a": [1, {"b": "]}\\"{"}]}') == {"a": [1, {"b": ']}"{'}]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            b'{"a": 1, "a": 2}',
            "bundle.json: the name 'a' stands twice in one object, which readers understand differently",
        ),
        (
            b'{"x": {"a": 1, "a": 1}}',
            "bundle.json: the name 'a' stands twice in one object, which readers understand differently",
        ),
        (b'{"a": NaN}', "bundle.json: NaN is no JSON number"),
        (b"[-Infinity]", "bundle.json: -Infinity is no JSON number"),
        (b"[[[[1]]]]", "bundle.json: nested more than 3 levels deep"),
        (b'["]]", {"\\\\": [[', "bundle.json: nested more than 3 levels deep"),
        (b"[[[1]], [[{", "bundle.json: nested more than 3 levels deep"),
        (b'["[[[[', "bundle.json is no JSON: Unterminated string starting at: line 1 column 2 (char 1)"),
        (b'["\\', "bundle.json is no JSON: Unterminated string starting at: line 1 column 2 (char 1)"),
        (b'{"a":1,"b":2,"c":3,"d":4,"e":5}', "bundle.json: more than 4 members"),
        (b'"' + b"x" * 300 + b'"', "bundle.json: 302 bytes, where at most 200 are read"),
        (b'"\xff"', "bundle.json: byte 1 is no UTF-8"),
        (b"{", "bundle.json is no JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        (b"1 2", "bundle.json is no JSON: Extra data: line 1 column 3 (char 2)"),
    ],
)
def test_what_is_refused_and_why(text: bytes, message: str) -> None:
    with pytest.raises(BadJsonError) as caught:
        read(text)
    assert caught.value.message == message


def test_no_text_takes_longer_than_its_length() -> None:
    limit = Limit(bytes=10_000_000, depth=3)
    # Tried from each of its quotation marks to the end, this would take hours.
    with pytest.raises(BadJsonError, match="Unterminated string"):
        loads(b'"' + b'\\"' * 1_000_000, what="bundle.json", limit=limit)
