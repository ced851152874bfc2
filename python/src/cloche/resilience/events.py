"""What a program did about failures, as its helpers tell it to whoever listens: nobody, outside of a test under chaos."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Recovery:
    """A retry (attempt n of m; m is 0 where it is not known), a fallback, or a breaker that is open."""

    kind: str
    name: str
    attempt: int = 0
    of: int = 0


# How many retries there are at most, by the name of the function: what the decorator `retry` was given.
retries: dict[str, int] = {}
listeners: list[Callable[[Recovery, float], None]] = []


def tell(recovery: Recovery, lost: float) -> None:
    """Tell all listeners of a recovery and of the seconds that it took."""
    for listener in listeners:
        listener(recovery, lost)
