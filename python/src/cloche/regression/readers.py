"""Read results: JSON, NPZ, CSV and Parquet, each as a tree of dictionaries, lists, arrays and single values."""

import csv
import json
import re
import zipfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

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


def format_of(path: Path, given: str | None = None) -> str:
    """Return the format of a file: the one that is given, else by the end of its name."""
    name = given or path.suffix.removeprefix(".").lower()
    if name not in FORMATS:
        raise BadResultError(path, f"its name ends in none of {', '.join('.' + each for each in FORMATS)}")
    return name


def read(path: Path, given: str | None = None) -> Document:
    """Return a file's tree. Raises BadResultError for a file that is absent, truncated, or not of its format."""
    name = format_of(path, given)
    if not path.is_file():
        raise BadResultError(path, "there is no such file")
    match name:
        case "json":
            return _json(path)
        case "npz":
            return _npz(path)
        case _:
            return _table(path, name)


def _json(path: Path) -> Document:
    data = path.read_bytes()
    if not data.strip():
        raise BadResultError(path, "the file is empty")

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(found)
        if len(result) != len(found):
            names = [name for name, _ in found]
            twice = next(name for name in names if names.count(name) > 1)
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
    either between a name and its value or inside texts.
    """
    if b"\\u003a" in data or b"\\u003A" in data:
        return None
    try:
        root = orjson.loads(data)
        return root if _colons(root) == data.count(b":") else None
    except (orjson.JSONDecodeError, OverflowError, RecursionError):
        return None


def _colons(value: Any) -> int:
    """Return how many colons the text of a value has; raises OverflowError for numbers that may have been integers."""
    if isinstance(value, str):
        return value.count(":")
    parts: Collection[Any] = ()
    total = 0
    if isinstance(value, dict):
        parts, total = value.values(), len(value) + sum(name.count(":") for name in value)
    elif isinstance(value, list):
        parts = value
    elif isinstance(value, float | int):
        parts = (value,)
    if not parts:
        return total
    if set(map(type, parts)) <= {int, float, bool}:
        if not -_LARGE < min(parts) <= max(parts) < _LARGE:
            raise OverflowError
        return total
    return total + sum(map(_colons, parts))


def _npz(path: Path) -> Document:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise BadResultError(path, "it is one array (.npy); write it with numpy.savez")
            if twice := [name for name in archive.files if archive.files.count(name) > 1]:
                raise BadResultError(
                    path, f"the name {twice[0]!r} stands twice in it, so one of its arrays would be lost"
                )
            root = {name: _array(archive[name]) for name in archive.files}
    except (zipfile.BadZipFile, ValueError, EOFError, OSError) as error:
        if "allow_pickle" in str(error):
            raise BadResultError(
                path, "it has an array of Python objects, which could run code; write numbers or texts"
            ) from error
        raise BadResultError(path, f"no NPZ that can be read (truncated?): {error}") from error
    return Document(path, "npz", root)


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

    Nothing is guessed: the first row has the names, all others have as many fields, an empty field is null, and a
    column whose fields are all whole numbers, or all numbers, is one of numbers; any other is text.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            names = next(csv.reader(file, strict=True), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadResultError(path, f"no csv that can be read: {error}") from error
    if not names:
        raise BadResultError(path, "the file is empty; its first row must have the names of the columns")
    if twice := [name for name in names if names.count(name) > 1]:
        raise BadResultError(path, f"the column {twice[0]!r} stands twice in its first row")
    if all(_is_number(name) for name in names):
        raise BadResultError(path, "its first row has numbers only, where the names of the columns should be")
    columns = {f"c{number}": "VARCHAR" for number in range(len(names))}
    connection.execute(
        "CREATE TABLE fields AS SELECT * FROM read_csv($path, header = true, delim = ',', quote = '\"', escape = '\"', "
        "columns = $columns, auto_detect = false, null_padding = false, nullstr = '', comment = '', strict_mode = true)",
        {"path": str(path), "columns": columns},
    )
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
    casts = []
    for number, (column, name) in enumerate(zip(columns, names, strict=True)):
        filled, numbers, beyond, whole, large = found[5 * number : 5 * number + 5]
        # As a double, a whole number that 64 bits don't hold would lose its last digits.
        text = numbers < filled or not filled or large or beyond
        kind = "VARCHAR" if text else "BIGINT" if whole == filled else "DOUBLE"
        quoted = name.replace('"', '""')
        casts.append(f'CAST({column} AS {kind}) AS "{quoted}"')
    return f"(SELECT {', '.join(casts)} FROM fields)"  # noqa: S608 - names are quoted


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
