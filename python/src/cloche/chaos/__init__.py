"""Chaos: faults raised inside the operations that a test makes.

`cloche.chaos.plugin` is the pytest plugin; it needs pytest and nothing else. The helpers for programs are in cloche.resilience;
their former place here goes on, with a warning.
"""

import warnings
from typing import Any

from cloche import resilience


def __getattr__(name: str) -> Any:
    if name in resilience.__all__:
        moved = f"cloche.chaos.{name} is cloche.resilience.{name} now; import it from there"
        warnings.warn(moved, DeprecationWarning, stacklevel=2)
        return getattr(resilience, name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
