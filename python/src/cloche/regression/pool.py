"""Pairs of single numbers from all over two trees, judged all at once, with the places that they come from."""

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from cloche.regression.numbers import Array
from cloche.results.patterns import Path, Segment


@dataclass
class Pool:
    """Pairs of numbers of one type; each has the state of its path, which tells its rule."""

    kind: type
    reference: list[Any] = field(default_factory=list)
    current: list[Any] = field(default_factory=list)
    states: list[int] = field(default_factory=list)
    # Pairs that stand before those in the lists.
    arrays: list[tuple[Array, Array, npt.NDArray[np.int64]]] = field(default_factory=list)
    size: int = 0
    # Per run of pairs its first index, the path of what holds them, and their segments there (None: 0, 1, ...).
    starts: list[int] = field(default_factory=list)
    places: list[tuple[Path, list[Segment] | None]] = field(default_factory=list)

    def add(
        self, reference: list[Any], current: list[Any], states: list[int], path: Path, segments: list[Segment] | None
    ) -> None:
        """Add pairs that one object or list holds."""
        self._run(len(reference), path, segments)
        self.reference += reference
        self.current += current
        self.states += states

    def add_arrays(self, reference: Array, current: Array, state: int, path: Path) -> None:
        """Add pairs that one long list holds, whose paths have one state."""
        self._flush()
        self._run(len(reference), path, None)
        states = np.full(len(reference), state, np.int64)
        self.arrays.append((reference.astype(self.kind, copy=False), current.astype(self.kind, copy=False), states))

    def taken(self) -> tuple[Array, Array, npt.NDArray[np.int64]]:
        """Return all pairs with their states, and forget them but for their places."""
        self._flush()
        arrays, self.arrays = self.arrays, []
        if len(arrays) == 1:
            return arrays[0]
        # Also of no pairs at all.
        arrays.append((np.empty(0, self.kind), np.empty(0, self.kind), np.empty(0, np.int64)))
        reference, current, states = (np.concatenate(parts) for parts in zip(*arrays, strict=True))
        return reference, current, states

    def path(self, index: int) -> Path:
        """Return the path of a pair."""
        run = bisect_right(self.starts, index) - 1
        holder, segments = self.places[run]
        offset = index - self.starts[run]
        if segments is None:
            return (*holder, offset)
        return (*holder, segments[offset]) if segments else holder

    def _run(self, size: int, path: Path, segments: list[Segment] | None) -> None:
        self.starts.append(self.size)
        self.places.append((path, segments))
        self.size += size

    def _flush(self) -> None:
        if self.reference:
            reference: Array = np.array(self.reference, self.kind)
            current: Array = np.array(self.current, self.kind)
            self.arrays.append((reference, current, np.array(self.states, np.int64)))
            self.reference, self.current, self.states = [], [], []
