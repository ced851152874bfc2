"""Chaos: faults raised inside the operations that a test makes, and helpers for code that shall survive them.

`cloche.chaos.plugin` is the pytest plugin; it needs pytest and nothing else. The helpers are imported from here:
`from cloche.chaos import circuit_breaker, fallback, retry, safe_execute, timeout`. They need stamina and pybreaker (the
extra `resilience`), and not pytest.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .resilience import Execution, NoPreemptionError, circuit_breaker, fallback, retry, safe_execute, timeout

__all__ = ["Execution", "NoPreemptionError", "circuit_breaker", "fallback", "retry", "safe_execute", "timeout"]


def __getattr__(name: str) -> Any:
    # Each run of pytest imports this package for its plugin, which shall not import the helpers' libraries.
    if name in __all__:
        from . import resilience  # noqa: PLC0415

        return getattr(resilience, name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
