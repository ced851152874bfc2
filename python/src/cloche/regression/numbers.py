"""Judge pairs of numbers by rules, many at a time."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from cloche.regression.rules import Kind, Rule, Worse

# By default a number differs from its reference beyond this: absolutely, and where the reference is below 1, relatively.
DEFAULT = 1e-10
# No default tolerance is tighter than so many units in the last place.
LEAST_ULP = 4

# By the size of a number's type, the type of its bits.
_BITS = {1: "u1", 2: "u2", 4: "u4", 8: "u8"}

Array = np.ndarray[Any, Any]


class Code(IntEnum):
    """What became of a pair of values."""

    IDENTICAL = 0
    WITHIN = 1
    CHANGED = 2
    IMPROVED = 3
    NAN = 4
    ZERO = 5


@dataclass(frozen=True)
class Judged:
    """For each pair its code, the distance, and the tolerance that held, in the unit of the distance."""

    codes: npt.NDArray[np.uint8]
    distance: npt.NDArray[np.float64]
    tolerance: npt.NDArray[np.float64]


def judge(reference: Array, current: Array, rule: Rule) -> Judged:
    """Judge pairs of one type by one rule.

    Distances are absolute differences; for a rule of ULPs they are counts of numbers in between. Values are identical if
    they are equal and have the same sign of zero; a NaN is identical to a NaN. Infinities are equal or changed.
    """
    bits = _BITS.get(reference.dtype.itemsize)
    if bits is None or reference.dtype != current.dtype:
        return _judge_all(reference, current, rule)
    # Most pairs have the same bits, and nothing else about them matters.
    places = np.flatnonzero(reference.view(bits) != current.view(bits))
    if places.size == reference.size:
        return _judge_all(reference, current, rule)
    some = _judge_all(reference[places], current[places], rule)
    found = Judged(*(np.zeros(reference.shape, part.dtype) for part in (some.codes, some.distance, some.tolerance)))
    found.codes[places], found.distance[places], found.tolerance[places] = some.codes, some.distance, some.tolerance
    return found


def _judge_all(reference: Array, current: Array, rule: Rule) -> Judged:
    if reference.dtype.kind == "c":
        # Infinities.
        with np.errstate(all="ignore"):
            distance = np.abs(current.astype(np.complex128) - reference)
        return _judge(reference, current, rule, distance, None)
    if reference.dtype.kind in "iub":
        # Differences of 64-bit integers exceed them.
        wide = np.longdouble
        return _judge(reference, current, rule, np.abs(current.astype(wide) - reference.astype(wide)), None)
    with np.errstate(all="ignore"):
        distance = np.abs(current.astype(_wide(reference)) - reference.astype(_wide(reference)))
        size = np.abs(reference)
        spacing = np.spacing(size)
        # The next number after the largest is infinite.
        spacing = np.where(np.isfinite(spacing), spacing, size - np.nextafter(size, np.zeros_like(size)))
    return _judge(reference, current, rule, distance, spacing)


def _wide(array: Array) -> Any:
    return np.longdouble if array.dtype.itemsize > np.dtype(np.float64).itemsize else np.float64


def _judge(reference: Array, current: Array, rule: Rule, distance: Array, spacing: Array | None) -> Judged:
    equal = reference == current
    size = np.abs(reference.astype(np.float64) if reference.dtype.kind in "iub" else reference).astype(np.float64)
    same = equal
    codes = np.full(reference.shape, Code.CHANGED, np.uint8)
    with np.errstate(all="ignore"):
        match rule.kind:
            case Kind.EXACT:
                tolerance = np.zeros(reference.shape)
            case Kind.ULP:
                tolerance = np.full(reference.shape, float(rule.ulp or 0))
                distance = distance if reference.dtype.kind in "iub" else _ulps(reference, current)
            case Kind.TOLERANCE:
                tolerance = np.maximum(rule.absolute or 0.0, (rule.relative or 0.0) * size)
            case _:
                tolerance = np.where(size < 1, DEFAULT * size, DEFAULT)
                if spacing is not None:
                    # The spacing at zero is the least number that there is: no tolerance at all.
                    tolerance = np.maximum(tolerance, np.where(size > 0, LEAST_ULP * spacing.astype(np.float64), 0))
        distance = distance.astype(np.float64)
        # Where the reference is infinite, its own size is no tolerance.
        tolerance = np.where(np.isfinite(tolerance), tolerance, 0.0)
        codes[distance <= tolerance] = Code.WITHIN
        if reference.dtype.kind in "fc":
            same = equal & _same_signs(reference, current)
            if rule.kind is not Kind.EXACT:
                codes[equal] = Code.WITHIN
            else:
                # Also where a distance is too small for a double.
                codes[~same] = Code.CHANGED
        codes[same] = Code.IDENTICAL
        beyond = codes == Code.CHANGED
        if rule.worse is not None:
            better = current < reference if rule.worse is Worse.HIGHER else current > reference
            # A number that became infinite is no better.
            codes[beyond & better & np.isfinite(current)] = Code.IMPROVED
        if rule.kind in (Kind.DEFAULT, Kind.TOLERANCE) and rule.absolute is None:
            codes[(codes == Code.CHANGED) & (reference == 0)] = Code.ZERO
        if reference.dtype.kind in "fc":
            _judge_nans(reference, current, codes)
    return Judged(codes, distance, tolerance)


def _judge_nans(reference: Array, current: Array, codes: npt.NDArray[np.uint8]) -> None:
    before, after = np.isnan(reference), np.isnan(current)
    codes[before != after] = Code.NAN
    codes[before & after] = Code.IDENTICAL
    if reference.dtype.kind == "c":
        # A complex number of which one part is NaN has another part.
        codes[before & after & ~_same_parts(reference, current)] = Code.CHANGED


def _parts(array: Array) -> list[Array]:
    return [array.real, array.imag] if array.dtype.kind == "c" else [array]


def _same_signs(reference: Array, current: Array) -> npt.NDArray[np.bool_]:
    both = zip(_parts(reference), _parts(current), strict=True)
    return np.asarray(np.all([np.signbit(first) == np.signbit(second) for first, second in both], axis=0))


def _same_parts(reference: Array, current: Array) -> npt.NDArray[np.bool_]:
    both = zip(_parts(reference), _parts(current), strict=True)
    same = [(first == second) | (np.isnan(first) & np.isnan(second)) for first, second in both]
    return np.asarray(np.all(same, axis=0))


def _ulps(reference: Array, current: Array) -> Array:
    """Return how many numbers of the type lie between two, plus one; of complex ones, between their parts."""
    both = zip(_parts(reference), _parts(current), strict=True)
    return np.asarray(np.max([_ulps_between(first, second) for first, second in both], axis=0))


def _ulps_between(reference: Array, current: Array) -> Array:
    if reference.dtype.itemsize > np.dtype(np.float64).itemsize:
        return np.asarray(np.abs(reference - current) / np.spacing(np.maximum(np.abs(reference), np.abs(current))))
    return np.asarray(np.abs(_ordered(reference) - _ordered(current)))


def _ordered(array: Array) -> Array:
    """Return integers of the bits in the numbers' order; the bits of an array in the other byte order have none."""
    native = np.ascontiguousarray(array, array.dtype.newbyteorder("="))
    bits = native.view(f"i{array.dtype.itemsize}").astype(np.longdouble)
    # Negative numbers have the greater bits the smaller they are; -0.0 and 0.0 are the same place.
    lowest = np.longdouble(-(2 ** (8 * array.dtype.itemsize - 1)))
    return np.where(bits < 0, lowest - bits, bits)
