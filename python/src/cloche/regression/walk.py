"""Walk two trees of results together: every leaf of both sides is compared, missing, extra or ignored."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from cloche.errors import ClocheError
from cloche.regression.findings import MOST, Counts, Finding, Findings, What
from cloche.regression.numbers import Array, Code, Judged, judge
from cloche.regression.pool import Pool
from cloche.regression.rules import DEFAULT, Kind, Rule, Rules, Waiver
from cloche.results.patterns import Matcher, Path, shown
from cloche.results.readers import SMALL, Document, Numbers

_LARGEST = 2**63
# How many characters of a text a finding shows.
_SHOWN = 200
_WHAT = {Code.CHANGED: What.NUMBER, Code.IMPROVED: What.IMPROVED, Code.NAN: What.NAN, Code.ZERO: What.ZERO}
_EXACT_RULE = Rule("**", Kind.EXACT)
_NUMBERS = {int, float}
_LISTS = {list, Numbers}
_HOLDERS = {dict, *_LISTS}
_SCALARS = {int, float, str, bool, type(None)}


def kind_of(value: object) -> str:
    """Return what a value is called: the types of JSON, or an array with its type of elements."""
    if isinstance(value, np.ndarray):
        kind = value.dtype.kind
        return f"array of {'texts' if kind in 'UO' else 'bytes' if kind == 'S' else value.dtype.name}"
    names = {
        dict: "object",
        list: "list",
        Numbers: "list",
        str: "text",
        bool: "boolean",
        int: "number",
        float: "number",
        type(None): "null",
    }
    return names[type(value)]


def leaves(value: object) -> int:
    """Return how many leaves a tree has; an empty object or list is one."""
    if isinstance(value, dict | list):
        parts = value.values() if isinstance(value, dict) else value
        # Most leaves stand beside others, and need not be looked at one by one.
        return (len(parts) if _SCALARS.issuperset(map(type, parts)) else sum(map(leaves, parts))) or 1
    if isinstance(value, Numbers):
        return len(value)
    return max(1, value.size) if isinstance(value, np.ndarray) else 1


@dataclass(frozen=True)
class Sample:
    """Two samples for a test, as flat arrays."""

    path: Path
    state: int
    rule: Rule
    reference: Array
    current: Array


@dataclass(frozen=True)
class _Pairs:
    """Some pairs of numbers, and the places of those that `indices` names."""

    indices: npt.NDArray[np.int64]
    reference: Array
    current: Array
    place: Callable[[int], Path]
    # Where the pairs stand among those that `place` knows, None for all.
    chosen: npt.NDArray[np.int64] | None

    def path(self, index: int) -> Path:
        """Return the path of a pair."""
        return self.place(index if self.chosen is None else int(self.chosen[index]))


@dataclass
class Walk:
    """A comparison of two documents under way."""

    reference: Document
    current: Document
    rules: Rules
    counts: Counts = field(default_factory=Counts)
    findings: Findings = field(default_factory=Findings)
    samples: list[Sample] = field(default_factory=list)
    # The rules and waivers that matched at least one leaf.
    used: set[int] = field(default_factory=set)
    # By code, how many pairs of numbers.
    numbers: dict[Code, int] = field(default_factory=dict)
    # How many of the identical leaves are an empty object, list or array on both sides.
    empty: int = 0

    def __post_init__(self) -> None:
        rules, waivers = self.rules.rules, self.rules.waivers
        self.matcher = Matcher([*(each.steps for each in rules), *(each.steps for each in waivers)])
        self._rules: dict[int, tuple[Rule, Waiver | None]] = {}
        self._floats, self._integers = Pool(np.float64), Pool(np.int64)

    def run(self) -> None:
        """Compare everything."""
        self._pair(self.reference.root, self.current.root, (), self.matcher.start)
        for pool in (self._floats, self._integers):
            self._settle(pool)

    # What holds for a path.

    def rule(self, state: int) -> Rule:
        """Return the rule of a path."""
        return self._of(state)[0]

    def _of(self, state: int) -> tuple[Rule, Waiver | None]:
        found = self._rules.get(state)
        if found is None:
            matched = self.matcher.matched(state)
            own = [index for index in matched if index < len(self.rules.rules)]
            waiving = [index for index in matched if index >= len(self.rules.rules)]
            found = (
                self.rules.rules[own[0]] if own else DEFAULT,
                self.rules.waivers[waiving[0] - len(self.rules.rules)] if waiving else None,
            )
            self.used.update(own[:1])
            self._rules[state] = found
        return found

    def find(self, what: What, path: Path, state: int, **about: Any) -> None:
        """Add a finding of what holds at a path."""
        rule, waiver = self._of(state)
        if waiver is not None:
            self.used.add(len(self.rules.rules) + self.rules.waivers.index(waiver))
        self.findings.add(Finding(what, path, rule=rule, waiver=waiver, **about))

    # The structure.

    def _pair(self, reference: Any, current: Any, path: Path, state: int) -> None:
        before, after = type(reference), type(current)
        if before is dict and after is dict:
            self._objects(reference, current, path, state)
        elif before in _LISTS and after in _LISTS:
            if not self._numbers(reference, current, path, state):
                self._lists(_listed(reference), _listed(current), path, state)
        elif isinstance(reference, np.ndarray) and isinstance(current, np.ndarray):
            self._arrays(reference, current, path, state)
        elif before in _NUMBERS and after in _NUMBERS:
            self._number(reference, current, path, state)
        elif before in _HOLDERS or after in _HOLDERS:
            # What no finding of the whole says, since the whole is ignored, is said of the parts that are not.
            quiet = self.rule(state).kind is not Kind.IGNORE
            self._absent(reference, path, state, What.MISSING, quiet=quiet)
            self._absent(current, path, state, What.EXTRA, quiet=quiet)
            if quiet:
                self.find(What.TYPE, path, state, reference=kind_of(reference), current=kind_of(current))
        else:
            self._exact(reference, current, path, state)

    def _objects(self, reference: dict[str, Any], current: dict[str, Any], path: Path, state: int) -> None:
        if not reference or not current:
            self._empty(reference, current, path, state)
            if not reference and not current:
                return
        step = self.matcher.step
        same = reference.keys() == current.keys()
        if same and _plain(reference.values()) and _plain(current.values()):
            names = list(reference)
            states = [step(state, name) for name in names] if self.matcher.lives[state] else [state] * len(names)
            self._floats.add(list(reference.values()), [current[name] for name in names], states, path, list(names))
            return
        for name, value in reference.items():
            here = (*path, name)
            if same or name in current:
                self._pair(value, current[name], here, step(state, name))
            else:
                self._absent(value, here, step(state, name), What.MISSING)
        if not same:
            for name, value in current.items():
                if name not in reference:
                    self._absent(value, (*path, name), step(state, name), What.EXTRA)

    def _empty(self, reference: Any, current: Any, path: Path, state: int) -> None:
        """Account for an empty object or list, which is a leaf."""
        ignored = self.rule(state).kind is Kind.IGNORE
        if not reference and not current:
            if ignored:
                self.counts.ignored_reference += 1
                self.counts.ignored_current += 1
            else:
                self.counts.identical += 1
                self.empty += 1
        elif not reference:
            self.counts.missing += not ignored
            self.counts.ignored_reference += ignored
        else:
            self.counts.extra += not ignored
            self.counts.ignored_current += ignored
        if bool(reference) != bool(current) and not ignored:
            self.find(What.SHAPE, path, state, reference=_size(reference), current=_size(current))

    def _lists(self, reference: list[Any], current: list[Any], path: Path, state: int) -> None:
        plain = _plain(reference) and _plain(current)
        rule = self.rule(state)
        if rule.kind is Kind.DISTRIBUTION and plain and reference and current:
            before, after = np.array(reference, float), np.array(current, float)
            for side, document in ((before, self.reference), (after, self.current)):
                if not document.infinite and np.isinf(side).any():
                    raise self._beyond(document, (*path, int(np.flatnonzero(np.isinf(side))[0])))
            self._sample(before, after, path, state, rule)
            return
        if not reference or not current:
            self._empty(reference, current, path, state)
        elif len(reference) != len(current) and rule.kind is not Kind.IGNORE:
            self.find(What.SHAPE, path, state, reference=_size(reference), current=_size(current))
        step = self.matcher.step
        shared = min(len(reference), len(current))
        if plain and not self.matcher.positions and shared:
            self._floats.add(reference[:shared], current[:shared], [step(state, 0)] * shared, path, None)
        else:
            for index in range(shared):
                self._pair(reference[index], current[index], (*path, index), step(state, index))
        for longer, what in ((reference, What.MISSING), (current, What.EXTRA)):
            for index in range(shared, len(longer)):
                # Where the list's own finding says it, these are only counted.
                quiet = bool(reference and current) and rule.kind is not Kind.IGNORE
                self._absent(longer[index], (*path, index), step(state, index), what, quiet=quiet)

    def _numbers(self, reference: object, current: object, path: Path, state: int) -> bool:
        """Put two long lists of numbers where pairs are judged; return False for lists that are looked at one by one."""
        if not isinstance(reference, Numbers) or not isinstance(current, Numbers):
            return False
        alike = len(reference) == len(current) and not self.matcher.positions
        if not alike or self.rule(state).kind is Kind.DISTRIBUTION or not (reference.small and current.small):
            return False
        self._floats.add_arrays(reference.values, current.values, self.matcher.step(state, 0), path)
        return True

    def _absent(self, value: Any, path: Path, state: int, what: What, *, quiet: bool = False) -> None:
        """Account for a part that the other side lacks."""
        counted, ignored = self._count(value, state)
        if what is What.MISSING:
            self.counts.missing += counted
            self.counts.ignored_reference += ignored
        else:
            self.counts.extra += counted
            self.counts.ignored_current += ignored
        if counted and not quiet:
            about = {"reference" if what is What.MISSING else "current": _brief(value)}
            self.find(what, path, state, leaves=counted, **about)

    def _count(self, value: Any, state: int) -> tuple[int, int]:
        """Return how many leaves of a part count, and how many are ignored."""
        if isinstance(value, Numbers) and self.matcher.lives[state]:
            value = _listed(value)
        if not self.matcher.lives[state] or not isinstance(value, dict | list) or not value:
            number = leaves(value)
            shape = value.shape if isinstance(value, np.ndarray) else ()
            return (0, number) if self._ignores(state, shape) else (number, 0)
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        counts = [self._count(part, self.matcher.step(state, segment)) for segment, part in parts]
        return sum(count for count, _ in counts), sum(ignored for _, ignored in counts)

    # Leaves.

    def _exact(self, reference: Any, current: Any, path: Path, state: int) -> None:
        rule = self.rule(state)
        if rule.kind is Kind.IGNORE:
            self.counts.ignored_reference += 1
            self.counts.ignored_current += 1
            return
        # A whole number and a decimal are compared without rounding.
        if reference == current and (type(reference) is type(current) or {type(reference), type(current)} <= _NUMBERS):
            self.counts.identical += 1
            return
        self.counts.changed += 1
        if type(reference) is not type(current) and not {type(reference), type(current)} <= _NUMBERS:
            self.find(
                What.TYPE,
                path,
                state,
                reference=f"{kind_of(reference)} {_brief(reference)}",
                current=f"{kind_of(current)} {_brief(current)}",
            )
        else:
            self.find(What.TEXT, path, state, reference=_brief(reference), current=_brief(current))

    def _number(self, reference: float, current: float, path: Path, state: int) -> None:
        """Put a pair of numbers where pairs of their type are judged."""
        whole = [each for each in (reference, current) if type(each) is int]
        if all(abs(each) < SMALL for each in whole):
            pool = self._floats
        elif len(whole) == len((reference, current)) and all(abs(each) < _LARGEST for each in whole):
            pool = self._integers
        elif (
            len(whole) == 1
            and abs(whole[0]) < _LARGEST
            and (reference == current) is (float(reference) == float(current))
        ):
            # As a double, the whole number is not taken for another one.
            pool = self._floats
        else:
            # What no type of NumPy holds is compared as it is.
            self._exact(reference, current, path, state)
            return
        pool.add([reference], [current], [state], path[:-1], [path[-1]] if path else [])

    def _settle(self, pool: Pool) -> None:
        reference, current, states = pool.taken()
        for side, document in ((reference, self.reference), (current, self.current)):
            if not document.infinite and pool.kind is np.float64 and np.isinf(side).any():
                raise self._beyond(document, pool.path(int(np.flatnonzero(np.isinf(side))[0])))
        if states.size:
            self._judge(reference, current, states, pool.path)

    def _beyond(self, document: Document, path: Path) -> ClocheError:
        return ClocheError(f"{document.source}: the number at {shown(path)} is beyond what a double holds")

    def _judge(
        self, reference: Array, current: Array, states: npt.NDArray[np.int64], path: Callable[[int], Path]
    ) -> None:
        """Judge pairs of numbers; `path(index)` is the place of a pair."""
        several = _several(states)
        for state in several:
            chosen = np.flatnonzero(states == state) if len(several) > 1 else None
            first, second = (reference, current) if chosen is None else (reference[chosen], current[chosen])
            rule, waiver = self._of(state)
            if rule.kind is Kind.IGNORE:
                self.counts.ignored_reference += first.size
                self.counts.ignored_current += first.size
                continue
            where = path(0 if chosen is None else int(chosen[0]))
            if rule.kind is Kind.DISTRIBUTION:
                raise ClocheError(
                    f"the rule for {rule.path}: a distribution needs a list of numbers, and {shown(where)} is one "
                    "number"
                )
            if rule.worse and reference.dtype.kind == "c":
                raise ClocheError(
                    f"the rule for {rule.path}: {shown(where)} is a complex number, which is neither higher nor lower"
                )
            judged = judge(first, second, _EXACT_RULE if first.dtype.kind == "b" else rule)
            found = np.bincount(judged.codes, minlength=len(Code))
            for code in Code:
                self.numbers[code] = self.numbers.get(code, 0) + int(found[code])
            self.counts.identical += int(found[Code.IDENTICAL])
            self.counts.within_tolerance += int(found[Code.WITHIN])
            self.counts.changed += int(found[Code.CHANGED :].sum())
            for code, what in _WHAT.items():
                indices = np.flatnonzero(judged.codes == code)
                self._describe(what, _Pairs(indices, first, second, path, chosen), judged, rule, waiver)

    def _describe(self, what: What, found: _Pairs, judged: Judged, rule: Rule, waiver: Waiver | None) -> None:
        """Count findings, and keep those that are furthest beyond what the rule accepts, in the order of their places."""
        if not found.indices.size:
            return
        if waiver is not None:
            self.used.add(len(self.rules.rules) + self.rules.waivers.index(waiver))
        self.findings.count(what, int(found.indices.size), waived=waiver is not None)
        kept = self.findings.kept.setdefault(what, [])
        distance, tolerance = judged.distance[found.indices], judged.tolerance[found.indices]
        with np.errstate(all="ignore"):
            excess = np.nan_to_num(distance / tolerance, nan=np.inf)
        for place in np.sort(np.argsort(-excess, kind="stable")[:MOST]).tolist():
            index = int(found.indices[place])
            values = found.reference[index].item(), found.current[index].item()
            about = float(distance[place]), float(tolerance[place])
            kept.append(Finding(what, found.path(index), *values, rule, *about, waiver=waiver))

    def _sample(self, reference: Array, current: Array, path: Path, state: int, rule: Rule) -> None:
        self.counts.samples += 1
        self.counts.sampled_reference += reference.size
        self.counts.sampled_current += current.size
        self.samples.append(Sample(path, state, rule, reference, current))

    # Arrays.

    def _arrays(self, reference: Array, current: Array, path: Path, state: int) -> None:
        rule = self.rule(state)
        if self._ignores(state, reference.shape) and self._ignores(state, current.shape):
            self.counts.ignored_reference += leaves(reference)
            self.counts.ignored_current += leaves(current)
            return
        if kind_of(reference) != kind_of(current) and not self._both_numbers(reference, current):
            if reference.shape == current.shape:
                self.counts.changed += leaves(reference)
            else:
                self.counts.missing += leaves(reference)
                self.counts.extra += leaves(current)
            self.find(
                What.TYPE, path, state, reference=kind_of(reference), current=kind_of(current), leaves=leaves(reference)
            )
            return
        if rule.kind is Kind.DISTRIBUTION and reference.dtype.kind in "fiu" and reference.size and current.size:
            self._sample(_floats(reference), _floats(current), path, state, rule)
            return
        if reference.shape != current.shape:
            self.find(What.SHAPE, path, state, reference=_size(reference), current=_size(current))
            alike = reference.ndim and current.ndim and reference.shape[1:] == current.shape[1:]
            shared = min(len(reference), len(current)) if alike else 0
            if not shared:
                self.counts.missing += leaves(reference)
                self.counts.extra += leaves(current)
                return
            self.counts.missing += reference[shared:].size
            self.counts.extra += current[shared:].size
            reference, current = reference[:shared], current[:shared]
        if not reference.size:
            self.counts.identical += 1
            self.empty += 1
            return
        self._elements(reference, current, path, state)

    def _both_numbers(self, reference: Array, current: Array) -> bool:
        """Return whether whole numbers stand against decimals where only the digits of the fields made the difference."""
        return self.reference.format == "csv" and {reference.dtype.kind, current.dtype.kind} == {"i", "f"}

    def _ignores(self, state: int, shape: Sequence[int]) -> bool:
        """Return whether a leaf or an array is ignored, and no earlier rule is about one of its elements."""
        if self.rule(state).kind is not Kind.IGNORE:
            return False
        if not shape or not self.matcher.lives[state]:
            return True
        states = np.unique(self._states(state, shape)).tolist()
        return all(self.rule(each).kind is Kind.IGNORE for each in states)

    def _elements(self, reference: Array, current: Array, path: Path, state: int) -> None:
        shape = reference.shape

        def place(index: int) -> Path:
            return (*path, *(int(each) for each in np.unravel_index(index, shape)))

        # Nulls of a table.
        absent, gone = np.ma.getmaskarray(reference).ravel(), np.ma.getmaskarray(current).ravel()
        first, second = np.ma.getdata(reference).ravel(), np.ma.getdata(current).ravel()
        states = self._states(state, shape)
        valid = ~(absent | gone)
        for index in np.flatnonzero(~valid).tolist():
            values = (
                None if absent[index] else _plain_value(first[index]),
                None if gone[index] else _plain_value(second[index]),
            )
            self._exact(*values, place(index), int(states[index]))
        indices = None if valid.all() else np.flatnonzero(valid)
        if indices is not None:
            first, second, states = first[indices], second[indices], states[indices]

        def path_of(index: int) -> Path:
            return place(index if indices is None else int(indices[index]))

        if first.dtype.kind in "fciub":
            if first.dtype.kind != second.dtype.kind:
                self._mixed(first, second, states, path_of)
            elif first.size:
                self._judge(first, second, states, path_of)
            return
        equal = np.asarray(first == second)
        if first.dtype.kind in "mM":
            equal |= np.isnat(first) & np.isnat(second)
        ignored = np.isin(states, [each for each in np.unique(states).tolist() if self.rule(each).kind is Kind.IGNORE])
        self.counts.ignored_reference += int(ignored.sum())
        self.counts.ignored_current += int(ignored.sum())
        self.counts.identical += int((equal & ~ignored).sum())
        for index in np.flatnonzero(~equal & ~ignored).tolist():
            self.counts.changed += 1
            self.find(
                What.TEXT,
                path_of(index),
                int(states[index]),
                reference=_brief(first[index]),
                current=_brief(second[index]),
            )

    def _mixed(
        self, reference: Array, current: Array, states: npt.NDArray[np.int64], path: Callable[[int], Path]
    ) -> None:
        """Judge pairs of a whole number and a decimal; as doubles, where no whole number is too large for one."""
        whole = reference if reference.dtype.kind == "i" else current
        small = (whole > -SMALL) & (whole < SMALL)
        for index in np.flatnonzero(~small).tolist():
            self._number(reference[index].item(), current[index].item(), path(index), int(states[index]))
        places = np.flatnonzero(small)
        if places.size:
            before, after = reference[places].astype(np.float64), current[places].astype(np.float64)
            self._judge(before, after, states[places], lambda index: path(int(places[index])))

    def _states(self, state: int, shape: Sequence[int]) -> npt.NDArray[np.int64]:
        """Return the state of each element of an array."""
        states = np.full((1,), state, np.int64)
        for length in shape:
            positions = sorted(position for position in self.matcher.positions if position < length)
            columns = np.empty((states.size, length), np.int64)
            for row, each in enumerate(states.tolist()):
                # Every position that no pattern names is like any other.
                columns[row] = self.matcher.step(each, -1)
                for position in positions:
                    columns[row, position] = self.matcher.step(each, position)
                if not self.matcher.lives[each]:
                    columns[row] = each
            states = columns.ravel()
        return states


def _plain(values: Collection[object]) -> bool:
    """Return whether there are numbers only, and none that a double is too coarse for."""
    types = set(map(type, values))
    if types == {float}:
        return True
    return bool(types) and types <= _NUMBERS and max(map(abs, values)) < SMALL  # type: ignore[arg-type]


def _several(states: npt.NDArray[np.int64]) -> list[int]:
    """Return the distinct states, in their order."""
    # Mostly there is one, and finding that out takes less than sorting.
    several: list[int] = (states[:1] if (states == states[:1]).all() else np.unique(states)).tolist()
    return several


def _listed(value: list[Any] | Numbers) -> list[Any]:
    return value.values.tolist() if isinstance(value, Numbers) else value


def _plain_value(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _floats(array: Array) -> Array:
    data = (
        np.ma.filled(array.astype(np.float64), np.nan)
        if isinstance(array, np.ma.MaskedArray)
        else array.astype(np.float64)
    )
    return np.asarray(data).ravel()


def _size(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"shape {'x'.join(map(str, value.shape)) or 'of one number'}"
    if isinstance(value, dict):
        return f"{len(value)} members"
    return f"{len(value)} items"


def _brief(value: Any) -> Any:
    """Return a single value as it is, a long text shortened, and a description of anything else."""
    if isinstance(value, np.generic):
        value = value.item() if value.dtype.kind not in "mM" else str(value)
    if isinstance(value, bytes):
        value = repr(value)
    if isinstance(value, str):
        return value if len(value) <= _SHOWN else f"{value[:_SHOWN]}... ({len(value)} characters)"
    if isinstance(value, dict | list | Numbers | np.ndarray):
        return f"{kind_of(value)} with {leaves(value)} leaves"
    return value
