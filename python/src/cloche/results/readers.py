"""Read results: JSON, NPZ, CSV and Parquet, each as a tree of dictionaries, lists, arrays and single values."""

import csv
import glob
import io
import json
import lzma
import math
import os
import re
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import orjson

from cloche.errors import MISSHAPEN, ClocheError
from cloche.untrusted import regular_file, strict_json
from cloche.untrusted.limits import RESULT

if TYPE_CHECKING:
    import duckdb

FORMATS = ("json", "npz", "csv", "parquet")
# DuckDB's types of columns whose values NumPy has as they are.
_COLUMNS = {
    *("BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"),
    *("FLOAT", "DOUBLE", "VARCHAR", "DATE", "TIMESTAMP"),
}


@dataclass(frozen=True)
class Document:
    """What a file holds. `infinite` says whether it can hold infinities at all: a text may have numbers beyond a double."""

    source: Path
    format: str
    root: Any
    infinite: bool = True


# Lists of so many numbers are worth an array.
_LONG = 1000
# Below this, the least default tolerance, four units in the last place, is less than the distance of two integers.
SMALL = 2**49


@dataclass(frozen=True)
class Numbers:
    """A long list of numbers of one type, doubles or integers of 64 bits."""

    values: np.ndarray[Any, Any]

    @property
    def small(self) -> bool:
        """Return whether a double is not too coarse for the numbers."""
        return self.values.dtype.kind == "f" or bool(-SMALL < self.values.min() <= self.values.max() < SMALL)

    def __len__(self) -> int:
        """Return how many items the list has."""
        return len(self.values)


def format_of(path: Path, given: str | None = None) -> str:
    """Return the format of a file: the one that is given, else by the end of its name."""
    name = given or path.suffix.removeprefix(".").lower()
    if name not in FORMATS:
        raise ClocheError(f"{path}: its name ends in none of {', '.join('.' + each for each in FORMATS)}")
    return name


def read(path: Path, given: str | None = None) -> Document:
    """Return a file's tree. Raises ClocheError for a file that is absent, truncated, or not of its format."""
    name = format_of(path, given)
    _opened(path).close()
    match name:
        case "json":
            return _json(path)
        case "npz":
            return _npz(path)
        case "csv":
            return _csv(path)
        case _:
            return _parquet(path)


def _opened(path: Path) -> BinaryIO:
    """Open a file that is not too large to be read; DuckDB, which opens the same file by its name, asks nobody."""
    try:
        file = regular_file.open_regular(path)
        if (size := os.fstat(file.fileno()).st_size) > RESULT.bytes:
            file.close()
            raise ClocheError(f"{path}: {size} bytes, where at most {RESULT.bytes} are read")
    except FileNotFoundError as error:
        raise ClocheError(f"{path}: there is no such file") from error
    except OSError as error:
        raise ClocheError(f"{path}: it cannot be read: {error.strerror}") from error
    return file


def _json(path: Path) -> Document:
    with _opened(path) as file:
        data = file.read()
    if not data.strip():
        raise ClocheError(f"{path}: the file is empty")

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(found)
        if len(result) != len(found):
            twice = strict_json.repeated([name for name, _ in found])[0]
            raise ClocheError(
                f"{path}: the name {twice!r} stands twice in one object, so one of its values would be lost"
            )
        return result

    try:
        root = _quickly(data)
        if root is None:
            root = json.loads(data.decode("utf-8"), object_pairs_hook=pairs)
    except UnicodeDecodeError as error:
        raise ClocheError(f"{path}: byte {error.start} is no UTF-8") from error
    except json.JSONDecodeError as error:
        rest = "" if error.doc[error.pos :].strip() else "; the file ends there, so it is truncated"
        raise ClocheError(f"{path}: no JSON: {error.msg} in line {error.lineno}, column {error.colno}{rest}") from error
    except RecursionError as error:
        raise ClocheError(f"{path}: it is nested too deeply to be read") from error
    except ValueError as error:
        # An integer of more than 4300 digits.
        raise ClocheError(f"{path}: no JSON that can be read: {error}") from error
    return Document(path, "json", root, infinite=b"Infinity" in data)


# Columns in one statement: what DuckDB takes to prepare one grows faster than their number.
_TOGETHER = 50
# From here on not every whole number is a double.
_EXACT = 2**53
# Of a column of texts: how many fields there are, how many are numbers, the largest of them, and, where the first field is
# one, how many are whole numbers of 64 bits. An underscore makes no number, although DuckDB takes it for one.
_NUMBER = "TRY_CAST({0} AS DOUBLE)"
_COUNTS = (
    "count({0})",
    f"count({_NUMBER}) - count_if(contains({{0}}, '_') AND {_NUMBER} IS NOT NULL)",
    f"max(abs({_NUMBER}))",
)
_WHOLE = "count_if(regexp_full_match({0}, ' *[+-]?[0-9]{{1,18}} *'))"
# Numbers that no double holds: those beyond all doubles would be infinite, and whole ones may lose their last digits.
_DIGITS = "regexp_full_match({{0}}, ' *[+-]?[0-9]{{{{{0},}}}} *')"
_ROUNDED = (
    f"{_DIGITS.format(16)} AND ({_DIGITS.format(19)} OR CAST(TRY_CAST({{0}} AS HUGEINT) AS VARCHAR) IS DISTINCT FROM "
    f"CAST(TRY_CAST({_NUMBER} AS HUGEINT) AS VARCHAR))"
)
_BEYOND = (
    f"CASE WHEN isinf({_NUMBER}) THEN regexp_matches({{0}}, '[0-9]') "
    f"WHEN abs({_NUMBER}) >= {_EXACT} THEN {_ROUNDED} ELSE false END"
)
# Integers from here on, which orjson reads as doubles.
_LARGE = 2**63


def _quickly(data: bytes) -> Any:
    """Return a text's value by orjson, None where only Python's own reader, which is slower, can tell it or what is wrong.

    Of two members of one name orjson keeps the last: then the value has fewer colons than the text, whose colons are
    either between a name and its value or inside texts. Long lists of numbers are arrays.
    """
    if b"\\" in data and (b"\\u003a" in data or b"\\u003A" in data):
        return None
    try:
        root = [orjson.loads(data)]
        return root[0] if _pack(root) == data.count(b":") else None
    except (orjson.JSONDecodeError, OverflowError, RecursionError):
        return None


def _pack(holder: dict[str, Any] | list[Any]) -> int:
    """Replace the long lists of numbers in a tree by arrays, and return how many colons the text of the tree has.

    Raises OverflowError for numbers that may have been integers that orjson reads as doubles.
    """
    parts: Collection[Any] = holder.values() if isinstance(holder, dict) else holder
    total = len(holder) + sum(name.count(":") for name in holder) if isinstance(holder, dict) else 0
    if parts and set(map(type, parts)) <= {int, float, bool}:
        if not -_LARGE < min(parts) <= max(parts) < _LARGE:
            raise OverflowError
        return total
    for place, part in holder.items() if isinstance(holder, dict) else enumerate(holder):
        kind = type(part)
        if kind is str:
            total += part.count(":")
        elif kind is list and len(part) >= _LONG and (packed := _packed(part)):
            # The names of an object, and the length of a list, stay the same meanwhile.
            holder[place] = packed  # type: ignore[index]
        elif kind is list or kind is dict:
            total += _pack(part)
        elif (kind is float or kind is int) and not -_LARGE < part < _LARGE:
            raise OverflowError
    return total


def _packed(items: list[Any]) -> Numbers | None:
    """Return a list of numbers of one type as an array, and None for any other list."""
    types = set(map(type, items))
    if types not in ({float}, {int}):
        return None
    # Whole numbers beyond 64 bits are an OverflowError here.
    values = np.array(items, np.float64 if types == {float} else np.int64)
    if not -_LARGE < values.min() <= values.max() < _LARGE:
        raise OverflowError
    return Numbers(values)


def _npz(path: Path) -> Document:
    with _opened(path) as file:
        if file.read(6) == np.lib.format.MAGIC_PREFIX:
            raise ClocheError(f"{path}: it is one array (.npy); write it with numpy.savez")
        try:
            with zipfile.ZipFile(file) as archive:
                root = {name: _array(_member(archive, info)) for name, info in _members(path, archive).items()}
        except _UNREADABLE as error:
            raise ClocheError(f"{path}: no NPZ that can be read (truncated?): {error}") from error
    return Document(path, "npz", root)


# What zipfile, its decompressors and NumPy's reader of headers, which is Python's own, raise for what is damaged.
_UNREADABLE = (
    *(EOFError, MemoryError, NotImplementedError, OSError, RuntimeError, SyntaxError, lzma.LZMAError, struct.error),
    *(tokenize.TokenError, zipfile.BadZipFile, zlib.error, *MISSHAPEN),
)


def _members(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the members by the names of their arrays."""
    found = archive.infolist()
    names = [info.filename.removesuffix(".npy") for info in found]
    if twice := strict_json.repeated(names):
        raise ClocheError(f"{path}: the name {twice[0]!r} stands twice in it, so one of its arrays would be lost")
    total = sum(info.file_size for info in found)
    if total > RESULT.bytes:
        raise ClocheError(f"{path}: unpacked it has {total} bytes, where at most {RESULT.bytes} are read")
    return dict(zip(names, found, strict=True))


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray[Any, Any]:
    """Return an array, for which no more memory is taken than its file has bytes."""
    with archive.open(info) as stream:
        major, _ = np.lib.format.read_magic(stream)
        header = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
        shape, _, kind = header(stream)
        if kind.hasobject:
            raise ClocheError(
                f"{archive.filename or info.filename}: it has an array of Python objects, which could run code; write "
                "numbers or texts"
            )
        if (needed := math.prod(shape) * kind.itemsize) != info.file_size - stream.tell():
            message = f"the array {info.filename} says that it has {needed} bytes, and it has {info.file_size - stream.tell()}"
            raise ValueError(message)
    with archive.open(info) as stream:
        array: np.ndarray[Any, Any] = np.lib.format.read_array(stream, allow_pickle=False)
        return array


def _array(array: np.ndarray[Any, Any]) -> Any:
    """Return an array, or a dictionary of the fields of a structured one."""
    if array.dtype.names is None:
        return array
    return {name: _array(array[name]) for name in array.dtype.names}


def _batched(columns: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(columns), _TOGETHER):
        yield columns[start : start + _TOGETHER]


def _csv(path: Path) -> Document:
    """Read a CSV file; DuckDB knows its columns by numbers, so that their names are data.

    The first row has the names, all others have as many fields, an empty field is null, and a column whose fields are
    all whole numbers, or all numbers, is one of numbers; any other is text.
    """
    import duckdb  # noqa: PLC0415 - takes long to load, and JSON and NPZ don't need it

    try:
        with io.TextIOWrapper(_opened(path), encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            names, first = next(rows, []), next(rows, [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise ClocheError(f"{path}: no csv that can be read: {error}") from error
    if not names:
        raise ClocheError(f"{path}: the file is empty; its first row must have the names of the columns")
    if twice := strict_json.repeated(names):
        raise ClocheError(f"{path}: the column {twice[0]!r} stands twice in its first row")
    if all(map(_is_number, names)):
        raise ClocheError(f"{path}: its first row has numbers only, where the names of the columns should be")
    texts = dict.fromkeys((f"c{number}" for number in range(len(names))), "VARCHAR")
    # Where the first field has a point, most columns are numbers that are not all whole: these are read as such at once.
    # Of an underscore, which DuckDB takes for a part of a number, nothing would be left to see.
    points = {
        column: "DOUBLE" for column, field in zip(texts, first, strict=False) if "." in field and _is_number(field)
    }
    if points and _count(path, b"_") > sum(name.count("_") for name in names):
        points = {}
    found: dict[str, Any] = {}
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        try:
            kinds = _numbers_at_once(connection, path, texts | points, [*points]) if points else None
            if kinds is None:
                kinds = texts
                _load(connection, path, texts)
            kinds = kinds | _kinds(connection, [column for column, kind in kinds.items() if kind == "VARCHAR"])
            # DuckDB finds no row at all behind a name with a line end in a file whose lines end by two characters.
            [[read]] = connection.execute("SELECT count(*) FROM fields").fetchall()
            if read != (there := _rows(path, len(names), read)):
                raise ClocheError(
                    f"{path}: no csv that can be read: {read} of its {there} rows were found; write it with line ends "
                    "of one kind, and without any in names"
                )
            for part in _batched([*kinds.items()]):
                casts = ", ".join(f"CAST({column} AS {kind}) AS {column}" for column, kind in part)
                found |= connection.execute(f"SELECT {casts} FROM fields").fetchnumpy()  # noqa: S608 - names of our own
        except (duckdb.Error, csv.Error, UnicodeDecodeError) as error:
            raise ClocheError(f"{path}: no csv that can be read: {' '.join(str(error).split())[:300]}") from error
    return Document(path, "csv", {name: found[column] for name, column in zip(names, texts, strict=True)})


def _count(path: Path, sign: bytes) -> int:
    with _opened(path) as file:
        return sum(part.count(sign) for part in iter(lambda: file.read(1 << 20), b""))


def _ends(path: Path, sign: bytes) -> bool:
    with _opened(path) as file:
        file.seek(-len(sign), 2)
        return file.read() == sign


def _rows(path: Path, columns: int, found: int) -> int:
    """Return how many rows a file has, of which so many were found: where nothing is quoted, its lines.

    An empty line is a row of one column alone.
    """
    if _count(path, b'"'):
        with io.TextIOWrapper(_opened(path), encoding="utf-8-sig", newline="") as file:
            return sum(1 for row in csv.reader(file, strict=True) if row or columns == 1) - 1
    # Mostly all lines are found, and these need not be looked at.
    if _count(path, b"\n") == found + _ends(path, b"\n"):
        return found
    with io.TextIOWrapper(_opened(path), encoding="utf-8-sig") as file:
        return sum(1 for line in file if line != "\n" or columns == 1) - 1


def _load(connection: "duckdb.DuckDBPyConnection", path: Path, columns: dict[str, str]) -> None:
    connection.execute(
        "CREATE OR REPLACE TABLE fields AS SELECT * FROM read_csv($path, header = true, delim = ',', quote = '\"', "
        "escape = '\"', columns = $columns, auto_detect = false, null_padding = false, nullstr = '', comment = '', "
        "strict_mode = true)",
        {"path": glob.escape(str(path)), "columns": columns},
    )


def _numbers_at_once(
    connection: "duckdb.DuckDBPyConnection", path: Path, columns: dict[str, str], doubles: list[str]
) -> dict[str, str] | None:
    """Read a file with columns of doubles, and return its columns; None where one of them is none, or may be none."""
    import duckdb  # noqa: PLC0415 - takes long to load, and JSON and NPZ don't need it

    try:
        _load(connection, path, columns)
    except duckdb.Error:
        # A field that is no number; what else is wrong with the file shows when it is read as texts.
        return None
    # A number beyond all doubles would be infinite, as infinity itself is, and a whole number may have been rounded.
    for part in _batched(doubles):
        beyond = " OR ".join(f"abs({column}) >= {_EXACT}" for column in part)
        found = connection.execute(f"SELECT count_if({beyond}) FROM fields").fetchone()  # noqa: S608 - names of our own
        if found != (0,):
            return None
    return columns


def _kinds(connection: "duckdb.DuckDBPyConnection", columns: list[str]) -> dict[str, str]:
    """Return of columns of texts what they are columns of."""
    kinds = {}
    for part in _batched(columns):
        values = ", ".join(f"any_value({column})" for column in part)
        firsts = connection.execute(f"SELECT {values} FROM fields").fetchone() or ()  # noqa: S608 - names of our own
        # Only where the first field is a whole number, all of them can be; this takes longest.
        asked = [(*_COUNTS, _WHOLE if re.fullmatch(" *[+-]?[0-9]+ *", first or "") else "-1") for first in firsts]
        counts = ", ".join(each.format(column) for column, those in zip(part, asked, strict=True) for each in those)
        found = connection.execute(f"SELECT {counts} FROM fields").fetchone() or ()  # noqa: S608 - names of our own
        for number, column in enumerate(part):
            filled, numbers, largest, whole = found[4 * number : 4 * number + 4]
            kinds[column] = "VARCHAR" if not filled or numbers < filled else "BIGINT" if whole == filled else "DOUBLE"
            # A NaN is the largest of all.
            if kinds[column] == "DOUBLE" and not largest < _EXACT:
                query = f"SELECT count_if({_BEYOND.format(column)}) FROM fields"  # noqa: S608 - names of our own
                kinds[column] = "DOUBLE" if connection.execute(query).fetchone() == (0,) else "VARCHAR"
    return kinds


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _parquet(path: Path) -> Document:
    import duckdb  # noqa: PLC0415 - takes long to load, and only Parquet needs it

    # DuckDB takes paths for patterns, and a folder called year=2026 for a column. Columns are asked for by place: of names that
    # differ only by case, or are empty, it makes others.
    place = glob.escape(str(path))
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        try:
            names = _names(connection.execute("SELECT name, num_children FROM parquet_schema($path)", {"path": place}))
            if twice := strict_json.repeated(names):
                raise ClocheError(f"{path}: the column {twice[0]!r} stands twice in it")
            ours = [f"c{number}" for number in range(len(names))]
            relation = connection.execute(
                f"SELECT * FROM read_parquet($path, hive_partitioning = false) AS t({', '.join(ours)})",  # noqa: S608 - ours
                {"path": place},
            )
            types = [str(column[1]) for column in relation.description or []]
            columns = relation.fetchnumpy()
        except duckdb.Error as error:
            raise ClocheError(f"{path}: no parquet that can be read: {' '.join(str(error).split())[:300]}") from error
    for name, kind in zip(names, types, strict=True):
        if kind not in _COLUMNS:
            raise ClocheError(f"{path}: its column {name!r} is of the type {kind}; write numbers, booleans or texts")
    return Document(path, "parquet", {name: columns[our] for name, our in zip(names, ours, strict=True)})


def _names(schema: "duckdb.DuckDBPyConnection") -> list[str]:
    """Return the names of a file's columns: the children of its schema's first element, whose own children follow them."""
    elements = schema.fetchall()
    names, place, left = [], 1, 0
    for name, children in elements[place:]:
        if left == 0:
            names.append(str(name))
            left = 1
        left += int(children or 0) - 1
    return names
