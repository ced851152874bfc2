"""Read results: JSON, NPZ, CSV and Parquet, each as a tree of dictionaries, lists, arrays and single values."""

import csv
import json
import lzma
import math
import os
import re
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import orjson

from cloche import regular_file, strict_json
from cloche.errors import MISSHAPEN
from cloche.limits import RESULT
from cloche.regression.errors import BadResultError

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
        raise BadResultError(path, f"its name ends in none of {', '.join('.' + each for each in FORMATS)}")
    return name


def read(path: Path, given: str | None = None) -> Document:
    """Return a file's tree. Raises BadResultError for a file that is absent, truncated, or not of its format."""
    name = format_of(path, given)
    _opened(path).close()
    match name:
        case "json":
            return _json(path)
        case "npz":
            return _npz(path)
        case _:
            return _table(path, name)


def _opened(path: Path) -> BinaryIO:
    """Open a file that is not too large to be read; DuckDB, which opens the same file by its name, asks nobody."""
    try:
        file = regular_file.open_regular(path)
        if (size := os.fstat(file.fileno()).st_size) > RESULT.bytes:
            file.close()
            raise BadResultError(path, f"{size} bytes, where at most {RESULT.bytes} are read")
    except FileNotFoundError as error:
        raise BadResultError(path, "there is no such file") from error
    except OSError as error:
        raise BadResultError(path, f"it cannot be read: {error.strerror}") from error
    return file


def _json(path: Path) -> Document:
    with _opened(path) as file:
        data = file.read()
    if not data.strip():
        raise BadResultError(path, "the file is empty")

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(found)
        if len(result) != len(found):
            twice = strict_json.repeated([name for name, _ in found])[0]
            raise BadResultError(
                path, f"the name {twice!r} stands twice in one object, so one of its values would be lost"
            )
        return result

    try:
        root = _quickly(data)
        if root is None:
            root = json.loads(data.decode("utf-8"), object_pairs_hook=pairs)
    except UnicodeDecodeError as error:
        raise BadResultError(path, f"byte {error.start} is no UTF-8") from error
    except json.JSONDecodeError as error:
        rest = "" if error.doc[error.pos :].strip() else "; the file ends there, so it is truncated"
        raise BadResultError(
            path, f"no JSON: {error.msg} in line {error.lineno}, column {error.colno}{rest}"
        ) from error
    except RecursionError as error:
        raise BadResultError(path, "it is nested too deeply to be read") from error
    except ValueError as error:
        # An integer of more than 4300 digits.
        raise BadResultError(path, f"no JSON that can be read: {error}") from error
    return Document(path, "json", root, infinite=b"Infinity" in data)


# How many fields of a column are whole numbers of 64 bits, and how many are larger ones.
_WHOLE = "count_if(regexp_full_match({0}, '[+-]?[0-9]{{1,18}}')), count_if(regexp_full_match({0}, '[+-]?[0-9]{{19,}}'))"
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
            raise BadResultError(path, "it is one array (.npy); write it with numpy.savez")
        try:
            with zipfile.ZipFile(file) as archive:
                root = {name: _array(_member(archive, info)) for name, info in _members(path, archive).items()}
        except _UNREADABLE as error:
            raise BadResultError(path, f"no NPZ that can be read (truncated?): {error}") from error
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
        raise BadResultError(path, f"the name {twice[0]!r} stands twice in it, so one of its arrays would be lost")
    total = sum(info.file_size for info in found)
    if total > RESULT.bytes:
        raise BadResultError(path, f"unpacked it has {total} bytes, where at most {RESULT.bytes} are read")
    return dict(zip(names, found, strict=True))


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray[Any, Any]:
    """Return an array, for which no more memory is taken than its file has bytes."""
    with archive.open(info) as stream:
        major, _ = np.lib.format.read_magic(stream)
        header = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
        shape, _, kind = header(stream)
        if kind.hasobject:
            raise BadResultError(
                archive.filename or info.filename,
                "it has an array of Python objects, which could run code; write numbers or texts",
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


def _table(path: Path, name: str) -> Document:
    import duckdb  # noqa: PLC0415 - takes long to load, and JSON and NPZ don't need it

    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        try:
            selection = _csv(connection, path) if name == "csv" else "read_parquet($path)"
            parameters = {} if name == "csv" else {"path": str(path)}
            relation = connection.execute(f"SELECT * FROM {selection}", parameters)  # noqa: S608 - one of ours
            types = {column[0]: str(column[1]) for column in relation.description or []}
            columns = relation.fetchnumpy()
        except duckdb.Error as error:
            raise BadResultError(path, f"no {name} that can be read: {' '.join(str(error).split())[:300]}") from error
    for column, kind in types.items():
        if kind not in _COLUMNS:
            raise BadResultError(path, f"its column {column!r} is of the type {kind}; write numbers, booleans or texts")
    return Document(path, name, {column: columns[column] for column in types})


def _csv(connection: "duckdb.DuckDBPyConnection", path: Path) -> str:
    """Read a CSV file into a table, and return what selects its columns with their types.

    The first row has the names, all others have as many fields, an empty field is null, and a column whose fields are
    all whole numbers, or all numbers, is one of numbers; any other is text.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.reader(file, strict=True)
            names, first = next(rows, []), next(rows, [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadResultError(path, f"no csv that can be read: {error}") from error
    if not names:
        raise BadResultError(path, "the file is empty; its first row must have the names of the columns")
    if twice := [name for name in names if names.count(name) > 1]:
        raise BadResultError(path, f"the column {twice[0]!r} stands twice in its first row")
    if all(_is_number(name) for name in names):
        raise BadResultError(path, "its first row has numbers only, where the names of the columns should be")
    texts = dict.fromkeys((f"c{number}" for number in range(len(names))), "VARCHAR")
    # Where the first field has a point, most columns are numbers that are not all whole: these are read as such at once.
    points = {
        column: "DOUBLE" for column, field in zip(texts, first, strict=False) if "." in field and _is_number(field)
    }
    kinds = _numbers_at_once(connection, path, texts | points, [*points]) if points else None
    if kinds is None:
        kinds = texts
        _load(connection, path, texts)
    kinds = kinds | _kinds(connection, [column for column, kind in kinds.items() if kind == "VARCHAR"])
    casts = []
    for (column, kind), name in zip(kinds.items(), names, strict=True):
        quoted = name.replace('"', '""')
        casts.append(f'CAST({column} AS {kind}) AS "{quoted}"')
    return f"(SELECT {', '.join(casts)} FROM fields)"  # noqa: S608 - names are quoted


def _load(connection: "duckdb.DuckDBPyConnection", path: Path, columns: dict[str, str]) -> None:
    connection.execute(
        "CREATE OR REPLACE TABLE fields AS SELECT * FROM read_csv($path, header = true, delim = ',', quote = '\"', "
        "escape = '\"', columns = $columns, auto_detect = false, null_padding = false, nullstr = '', comment = '', "
        "strict_mode = true)",
        {"path": str(path), "columns": columns},
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
    # A number beyond all doubles would be infinite, as infinity itself is.
    infinite = " OR ".join(f"isinf({column})" for column in doubles)
    found = connection.execute(f"SELECT count_if({infinite}) FROM fields").fetchone()  # noqa: S608 - names of our own
    return columns if found == (0,) else None


def _kinds(connection: "duckdb.DuckDBPyConnection", columns: list[str]) -> dict[str, str]:
    """Return of columns of texts what they are columns of."""
    if not columns:
        return {}
    values = ", ".join(f"any_value({column})" for column in columns)
    firsts = connection.execute(f"SELECT {values} FROM fields").fetchone() or ()  # noqa: S608 - names of our own
    counts = ", ".join(
        f"count({column}), count(TRY_CAST({column} AS DOUBLE)), "
        # As a double, a number beyond all doubles would be infinite, as any other such number is.
        f"count_if(isinf(TRY_CAST({column} AS DOUBLE)) AND regexp_matches({column}, '[0-9]')), "
        # Only where the first field is a whole number, all of them can be; this takes longest.
        + (_WHOLE.format(column) if re.fullmatch("[+-]?[0-9]+", first or "") else "0, 0")
        for column, first in zip(columns, firsts, strict=True)
    )
    found = connection.execute(f"SELECT {counts} FROM fields").fetchone() or ()  # noqa: S608 - names of our own
    kinds = {}
    for number, column in enumerate(columns):
        filled, numbers, beyond, whole, large = found[5 * number : 5 * number + 5]
        # As a double, a whole number that 64 bits don't hold would lose its last digits.
        text = numbers < filled or not filled or large or beyond
        kinds[column] = "VARCHAR" if text else "BIGINT" if whole == filled else "DOUBLE"
    return kinds


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
