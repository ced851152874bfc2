"""Write and read a model: a folder of JSON and NPY files, named by what is in it.

    <folder>/current                     the name of the model in use
    <folder>/sha256-<hex>/manifest.json  each file's SHA-256 and size; <hex> is the SHA-256 of this file
    <folder>/sha256-<hex>/model.json     everything that is no array
    <folder>/sha256-<hex>/<name>.npy     one array each

Nothing is parsed before its digest was found right, nothing is ever unpickled, and before the first prediction all
indices, shapes and numbers are checked: a model that is no forest could make its evaluation run for ever.
"""

import hashlib
import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from cloche.errors import MISSHAPEN, ClocheError
from cloche.selection.learned.columns import COLUMNS, Vector
from cloche.selection.learned.estimator import Calibration, Estimator, Forest, Linear
from cloche.selection.learned.fitted import Fitted, Trained
from cloche.selection.learned.rule import Level, Rule, fitted_level
from cloche.store import write as whole
from cloche.untrusted import regular_file, strict_json
from cloche.untrusted.limits import TEST_MODEL

VERSION = 2
FORMAT = "cloche test model"
CURRENT = "current"
NAME = re.compile(r"sha256-[0-9a-f]{64}")
# One array, and one folder.
MOST_BYTES = 256 * 1024 * 1024
TYPES = {"integer": np.dtype("<i8"), "number": np.dtype("<f8")}
# Estimator -> array -> type. Nothing else is read.
ARRAYS: dict[str, dict[str, str]] = {
    "linear": {"mean": "number", "scale": "number", "weights": "number", "intercept": "number"},
    "forest": {
        "roots": "integer",
        "column": "integer",
        "threshold": "number",
        "left": "integer",
        "right": "integer",
        "value": "number",
        "start": "number",
    },
}
COMMON = {"low": "number", "high": "number", "tenths": "number", "caught": "number"}


def bad_model(path: Path, fault: str) -> ClocheError:
    """Return the error of a model that is not what its name says, or nothing that this program would have made."""
    return ClocheError(f"{path} is refused as a model: {fault}")


@dataclass(frozen=True)
class Model:
    """A model that was read."""

    digest: str
    trained: Trained

    def level(self, recall: float) -> Level | None:
        """Return the level for a wanted recall, None when validation shows no level that holds it."""
        return fitted_level(self.trained.caught, recall)


def _arrays(trained: Trained) -> dict[str, np.ndarray[Any, Any]]:
    found: dict[str, np.ndarray[Any, Any]] = {
        "low": trained.low,
        "high": trained.high,
        "tenths": trained.tenths,
        "caught": np.array(trained.caught, dtype=np.float64),
    }
    for each in fields(trained.estimator):
        value = getattr(trained.estimator, each.name)
        if isinstance(value, np.ndarray):
            found[each.name] = value
    return found


def files_of(trained: Trained) -> dict[str, bytes]:
    """Return the files of a model; the same model gives the same bytes."""
    estimator = trained.estimator
    shape = "linear" if isinstance(estimator, Linear) else "forest"
    description = {
        "version": VERSION,
        "format": FORMAT,
        "project": trained.project,
        "origins": trained.origins,
        "columns": list(COLUMNS),
        "estimator": trained.kind,
        "shape": shape,
        "summed": isinstance(estimator, Forest) and estimator.summed,
        "single": isinstance(estimator, Forest) and estimator.single,
        "calibration": {
            "slope": trained.fitted.calibration.slope,
            "intercept": trained.fitted.calibration.intercept,
        },
        "rule": {"redundancy": trained.fitted.rule.redundancy, "pace": trained.fitted.rule.pace},
        "says": trained.fitted.says,
        "kinds": trained.kinds,
    }
    files = {"model.json": _text(description)}
    for name, value in _arrays(trained).items():
        kind = {**COMMON, **ARRAYS[shape]}[name]
        buffer = io.BytesIO()
        np.lib.format.write_array(
            buffer, np.ascontiguousarray(value, dtype=TYPES[kind]), version=(1, 0), allow_pickle=False
        )
        files[f"{name}.npy"] = buffer.getvalue()
    listed = {
        name: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)} for name, data in sorted(files.items())
    }
    return {**files, "manifest.json": _text({"version": VERSION, "format": FORMAT, "files": listed})}


def _text(value: object) -> bytes:
    return (json.dumps(value, sort_keys=True, indent=1, allow_nan=False) + "\n").encode()


def write(trained: Trained, folder: Path, about: Callable[[str], Mapping[str, bytes]] = lambda _: {}) -> Path:
    """Write a model below a folder and make it the current one; return its own folder.

    `about` returns, for the hexadecimal digest of the model, files that stand beside it. Raises NotWrittenError.
    """
    files = files_of(trained)
    digest = hashlib.sha256(files["manifest.json"]).hexdigest()
    own = folder / f"sha256-{digest}"
    # Last, so that it never names what is not there yet.
    beside = {**about(digest), CURRENT: f"{own.name}\n".encode()}
    folder.mkdir(parents=True, exist_ok=True)
    # Its name says what is in it, so there is nothing else to lose.
    whole.folder(own, files, lambda _: list(files))
    whole.files({folder / name: data for name, data in beside.items()})
    return own


def located(path: Path) -> Path:
    """Return a model's own folder, of it itself or of the folder whose current one it is. Raises ClocheError."""
    if NAME.fullmatch(path.name):
        return path
    try:
        name = regular_file.read(path / CURRENT, TEST_MODEL).decode("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise bad_model(path, f"its file {CURRENT!r}, which names the model, cannot be read") from error
    if not NAME.fullmatch(name):
        raise bad_model(path, f"{name[:80]!r} in its file {CURRENT!r} is no name of a model (sha256-...)")
    return path / name


def load(path: Path, project: str) -> Model:
    """Read the model of a project. Raises ClocheError for whatever is not what it should be."""
    own = located(path)
    manifest = _bytes(own, "manifest.json", TEST_MODEL.bytes)
    digest = hashlib.sha256(manifest).hexdigest()
    if own.name != f"sha256-{digest}":
        raise bad_model(own, f"the digest of its manifest.json is {digest}, which is not its name")
    listed = _json(own, "manifest.json", manifest)
    try:
        _check_format(own, listed)
        wanted = {str(name): (str(entry["sha256"]), int(entry["size"])) for name, entry in listed["files"].items()}
        description = _json(own, "model.json", _checked(own, "model.json", wanted))
        _check_format(own, description)
        if description["project"] != project:
            raise bad_model(own, f"it is for the project {description['project']!r}, and this is {project!r}")
        return Model(digest, _trained(own, description, wanted))
    except MISSHAPEN as error:
        raise bad_model(own, f"{type(error).__name__}: {error}") from error


def _bytes(own: Path, name: str, most: int) -> bytes:
    try:
        return regular_file.read(own / name, TEST_MODEL._replace(bytes=most))
    except OSError as error:
        raise bad_model(own, f"{name} cannot be read: {error.strerror}") from error


def _checked(own: Path, name: str, wanted: dict[str, tuple[str, int]]) -> bytes:
    """Return a file's content, after its digest was found right."""
    if name not in wanted:
        raise bad_model(own, f"its manifest.json names no {name}")
    data = _bytes(own, name, MOST_BYTES)
    found = hashlib.sha256(data).hexdigest()
    if (found, len(data)) != wanted[name]:
        raise bad_model(own, f"the digest of {name} is {found}, and manifest.json has {wanted[name][0]}")
    return data


def _json(own: Path, name: str, data: bytes) -> dict[str, Any]:
    try:
        found = strict_json.loads(data, what=name, limit=TEST_MODEL)
    except strict_json.BadJsonError as error:
        raise bad_model(own, str(error)) from error
    if not isinstance(found, dict):
        raise bad_model(own, f"{name} holds no object")
    return found


def _check_format(own: Path, found: dict[str, Any]) -> None:
    if (found.get("format"), found.get("version")) != (FORMAT, VERSION):
        raise bad_model(
            own,
            f"its format is {found.get('format')!r} {found.get('version')!r}, and this program reads {FORMAT!r} {VERSION}",
        )


def _trained(own: Path, found: dict[str, Any], wanted: dict[str, tuple[str, int]]) -> Trained:
    if found["shape"] not in ARRAYS:
        raise bad_model(own, f"its shape is {found['shape']!r}, and allowed are: {', '.join(sorted(ARRAYS))}")
    if found["columns"] != list(COLUMNS):
        raise bad_model(own, "it was fitted on other columns than this program makes; train it anew")
    types = {**COMMON, **ARRAYS[found["shape"]]}
    unknown = sorted(set(wanted) - {"model.json", *(f"{name}.npy" for name in types)})
    if unknown:
        raise bad_model(own, f"it has a file that no model has: {unknown[0]}")
    arrays = {name: _array(own, name, kind, wanted) for name, kind in types.items()}
    estimator = _linear(own, arrays) if found["shape"] == "linear" else _forest(own, arrays, found)
    width = len(COLUMNS)
    for name, shape in (("low", (width,)), ("high", (width,)), ("tenths", (11, width))):
        if arrays[name].shape != shape:
            raise bad_model(own, f"{name}.npy has the shape {arrays[name].shape}, and not {shape}")
    if arrays["caught"].ndim != 1:
        raise bad_model(own, f"caught.npy has the shape {arrays['caught'].shape}, and not one dimension")
    numbers = {
        name: _number(own, name, value)
        for name, value in {
            "slope": found["calibration"]["slope"],
            "intercept": found["calibration"]["intercept"],
            "redundancy": found["rule"]["redundancy"],
            "pace": found["rule"]["pace"],
            "says": found["says"],
        }.items()
    }
    return Trained(
        project=str(found["project"]),
        kind=str(found["estimator"]),
        estimator=estimator,
        fitted=Fitted(
            Calibration(numbers["slope"], numbers["intercept"]),
            Rule(numbers["redundancy"], numbers["pace"]),
            {},
            numbers["says"],
        ),
        caught=[float(value) for value in arrays["caught"]],
        low=arrays["low"],
        high=arrays["high"],
        kinds={str(kind): int(count) for kind, count in found["kinds"].items()},
        tenths=arrays["tenths"],
        origins=[str(origin) for origin in found["origins"]],
    )


def _number(own: Path, name: str, value: object) -> float:
    if type(value) not in {int, float}:
        raise bad_model(own, f"{name} is {value!r}, which is no number")
    return float(value)  # type: ignore[arg-type]


def _array(own: Path, name: str, kind: str, wanted: dict[str, tuple[str, int]]) -> np.ndarray[Any, Any]:
    data = _checked(own, f"{name}.npy", wanted)
    buffer = io.BytesIO(data)
    try:
        if np.lib.format.read_magic(buffer) != (1, 0):
            raise bad_model(own, f"{name}.npy is not of NPY's version 1.0")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(buffer)
    except ValueError as error:
        raise bad_model(own, f"{name}.npy is no array: {error}") from error
    if dtype != TYPES[kind] or fortran:
        raise bad_model(own, f"{name}.npy has the type {dtype}, and not {TYPES[kind]}")
    rest = data[buffer.tell() :]
    size = 1
    for extent in shape:
        size *= extent
    if size * dtype.itemsize != len(rest):
        raise bad_model(own, f"{name}.npy has {len(rest)} bytes of values, and not those of its shape {shape}")
    found = np.frombuffer(rest, dtype=dtype).reshape(shape)
    if kind == "number" and not np.isfinite(found).all():
        raise bad_model(own, f"{name}.npy has values that are no finite numbers")
    return found


def _linear(own: Path, arrays: dict[str, np.ndarray[Any, Any]]) -> Estimator:
    width = len(COLUMNS)
    for name, size in (("mean", width), ("scale", width), ("weights", width), ("intercept", 1)):
        if arrays[name].shape != (size,):
            raise bad_model(own, f"{name}.npy has the shape {arrays[name].shape}, and not ({size},)")
    if not (arrays["scale"] > 0).all():
        raise bad_model(own, "scale.npy has values that are not above 0")
    return Linear(arrays["mean"], arrays["scale"], arrays["weights"], arrays["intercept"])


def _forest(own: Path, arrays: dict[str, np.ndarray[Any, Any]], found: dict[str, Any]) -> Estimator:
    nodes = len(arrays["left"]) if arrays["left"].ndim == 1 else -1
    for name in ("column", "threshold", "left", "right", "value"):
        if arrays[name].shape != (nodes,):
            raise bad_model(own, f"{name}.npy has the shape {arrays[name].shape}, and not that of left.npy, ({nodes},)")
    if arrays["start"].shape != (1,):
        raise bad_model(own, f"start.npy has the shape {arrays['start'].shape}, and not (1,)")
    roots, left, right = arrays["roots"], arrays["left"], arrays["right"]
    if roots.ndim != 1 or not len(roots) or not ((roots >= 0) & (roots < nodes)).all():
        raise bad_model(own, f"roots.npy names nodes that are not there; there are {nodes}")
    number = np.arange(nodes)
    for name, child in (("left", left), ("right", right)):
        if not ((child == -1) | ((child > number) & (child < nodes))).all():
            raise bad_model(own, f"{name}.npy names a child that is not there or comes before its parent")
    if not ((left >= 0) == (right >= 0)).all():
        raise bad_model(own, "a node has one child; it must have two, or none")
    column = arrays["column"]
    if not ((column >= 0) & (column < len(COLUMNS))).all():
        raise bad_model(own, f"column.npy names columns that are not there; there are {len(COLUMNS)}")
    value: Vector = arrays["value"]
    if not found["summed"] and not ((value >= 0) & (value <= 1)).all():
        raise bad_model(own, "value.npy has values that are no probabilities")
    return Forest(
        roots,
        column,
        arrays["threshold"],
        left,
        right,
        value,
        arrays["start"],
        summed=bool(found["summed"]),
        single=bool(found["single"]),
    )
