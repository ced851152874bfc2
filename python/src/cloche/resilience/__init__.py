"""Helpers for code that shall survive failures: `from cloche.resilience import circuit_breaker, fallback, retry, safe_execute, timeout`.

They need stamina and pybreaker (the extra `resilience`), and not pytest.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .patterns import Execution, NoPreemptionError, circuit_breaker, fallback, retry, safe_execute, timeout

__all__ = ["Execution", "NoPreemptionError", "circuit_breaker", "fallback", "retry", "safe_execute", "timeout"]


def __getattr__(name: str) -> Any:
    # The pytest plugin of cloche.chaos imports this package to hear of recoveries, and shall not import the helpers' libraries.
    if name in __all__:
        from . import patterns  # noqa: PLC0415

        return getattr(patterns, name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
