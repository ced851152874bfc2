"""JSON that readers could understand differently is refused, with the place."""

from pathlib import Path

import pytest

from cloche.untrusted import spelling
from cloche.untrusted.limits import Limit
from cloche.untrusted.strict_json import BadJsonError, load, loads, repeated

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
        (
            b'["\\ud834\\udd1e", "\\udd1e"]',
            "bundle.json: \\udd1e is half of a character, which readers understand differently",
        ),
        (b"1" * 5000, "bundle.json: 5000 bytes, where at most 200 are read"),
        (b"[" + b"[]," * 40 + b"1]", "bundle.json: more than 40 values"),
        (b"[" + b"1," * 41 + b"1]", "bundle.json: more than 40 values"),
        (b"1 2", "bundle.json is no JSON: Extra data: line 1 column 3 (char 2)"),
    ],
)
def test_what_is_refused_and_why(text: bytes, message: str) -> None:
    with pytest.raises(BadJsonError) as caught:
        read(text)
    assert caught.value.message == message


def test_pairs_of_surrogates_are_characters() -> None:
    assert read(b'"\\ud834\\udd1e"') == "\U0001d11e"


def test_number_that_no_double_holds() -> None:
    limit = Limit(bytes=10_000)
    assert float(loads(b"9" * 308, what="bundle.json", limit=limit)) == 1e308
    for text in (b"1" * 309, b"[-" + b"1" * 5000 + b"]"):
        with pytest.raises(BadJsonError) as caught:
            loads(text, what="bundle.json", limit=limit)
        assert caught.value.message == "bundle.json: a number of 309 digits or more, which is too large"
    assert loads(b'"' + b"1" * 400 + b'"', what="bundle.json", limit=limit) == "1" * 400


def test_file_is_read_by_its_limit(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a": 1}')
    assert load(tmp_path / "a.json", limit=SMALL) == {"a": 1}
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(BadJsonError, match=r"^the record is no JSON: "):
        load(tmp_path / "a.json", limit=SMALL, what="the record")
    with pytest.raises(OSError, match="it is a device"):
        load(Path("/dev/zero"), limit=SMALL)
    (tmp_path / "a.json").write_text("1" * 201)
    with pytest.raises(OSError, match="it has more than 200 bytes"):
        load(tmp_path / "a.json", limit=SMALL)


class Counted(str):
    """A name that counts how often one is hashed or compared."""

    __slots__ = ()
    looks = 0

    def __eq__(self, other: object) -> bool:
        Counted.looks += 1
        return str.__eq__(self, other)

    def __hash__(self) -> int:
        Counted.looks += 1
        return str.__hash__(self)


def test_names_are_looked_at_once_each() -> None:
    """The control is `names.count`, which compares each with all others: a hundred million times."""
    names = [Counted(number) for number in range(10_000)] + [Counted(1)]
    Counted.looks = 0
    assert repeated(names) == ["1"]
    assert Counted.looks < 5 * len(names)


def test_names_that_other_readers_take_for_ours() -> None:
    shape = {"payload": None, "inner": [{"keyId": None}], "data": None}
    good = {"payload": 1, "inner": [{"keyId": 1}, 2], "data": {"a": 1, "A": 2}, "other": {"x": 1, "X": 2}}
    spelling.check(good, shape, what="x.json")
    spelling.check([good], shape, what="x.json")
    for bad, name, known in (
        ({"Payload": 1}, "Payload", "payload"),
        ({"payload": 1, "PAYLOAD": 2}, "PAYLOAD", "payload"),
        ({"inner": [{}, {"\u212aeyid": 1}]}, "\u212aeyid", "keyId"),
        ({"inner": [{"key_id": 1}]}, "key_id", "keyId"),
        # Neither is one that we read; Go's reader may have a field of this name.
        ({"other": 1, "Other": 2}, "Other", "other"),
    ):
        with pytest.raises(BadJsonError) as caught:
            spelling.check(bad, shape, what="x.json")
        said = f"x.json: the name {name!r} differs from {known!r} only in its spelling, and other readers take one for the other"
        assert caught.value.message == said


def test_no_text_takes_longer_than_its_length() -> None:
    limit = Limit(bytes=10_000_000, depth=3)
    # Tried from each of its quotation marks to the end, this would take hours.
    with pytest.raises(BadJsonError, match="Unterminated string"):
        loads(b'"' + b'\\"' * 1_000_000, what="bundle.json", limit=limit)
