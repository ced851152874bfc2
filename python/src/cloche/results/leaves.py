"""The single numbers of a document, by their paths."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from cloche.results.patterns import Matcher, Path, parse, shown
from cloche.results.readers import Document, Numbers


def numbers(document: Document, patterns: list[str]) -> Iterator[tuple[str, float]]:
    """Yield (path, value) of each number at or below a path that one of the patterns matches; of all without patterns."""
    matcher = Matcher([parse(pattern, f"--values {pattern}") for pattern in patterns or ["**"]])
    yield from _below(document.root, (), matcher, matcher.start)


def _below(value: Any, path: Path, matcher: Matcher, state: int) -> Iterator[tuple[str, float]]:
    parts: Any = ()
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, Numbers):
        parts = enumerate(value.values.tolist())
    elif isinstance(value, list) or (isinstance(value, np.ndarray) and value.ndim):
        parts = enumerate(value)
    elif isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "fiu":
        value = value.item()
    for segment, part in parts:
        yield from _below(part, (*path, segment), matcher, matcher.step(state, segment))
    if isinstance(value, int | float) and not isinstance(value, bool) and matcher.matched(state):
        yield shown(path), float(value)
