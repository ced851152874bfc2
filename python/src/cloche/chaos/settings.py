"""The options of a session under chaos, checked; and the line that repeats one test of it."""

import difflib
import math
import shlex
from dataclasses import dataclass

from .faults import TYPES


class SettingsError(ValueError):
    """An option that can't be followed."""


@dataclass(frozen=True)
class Settings:
    """What is injected: the share of calls that fail, the types of faults, the seed, and below which packages."""

    rate: float
    types: tuple[str, ...]
    seed: int
    only: tuple[str, ...] = ()
    # Seconds after which a test under chaos is hung.
    deadline: float = 60.0
    # The preloaded library libfiu meets calls of compiled code.
    native: bool = False

    @property
    def chosen(self) -> frozenset[str]:
        """The types that can fire: all of them for `random`."""
        return frozenset(TYPES[1:]) if "random" in self.types else frozenset(self.types)

    def replay(self, test: str) -> str:
        """Return the command that repeats one test with the same faults."""
        words = [
            "pytest",
            "--chaos",
            f"--chaos-seed={self.seed}",
            f"--chaos-rate={self.rate!r}",
            f"--chaos-types={','.join(self.types)}",
        ]
        if self.only:
            words.append(f"--chaos-only={','.join(self.only)}")
        if self.native:
            words.append("--chaos-native")
        return shlex.join([*words, test])


def checked(  # noqa: PLR0913 - an argument for each option
    *, rate: str, types: str, seed: str, only: str, deadline: str, native: bool = False
) -> Settings:
    """Return the settings that the options' texts mean; raise SettingsError for what can't be meant."""
    share = _number(
        rate, "--chaos-rate", "it is the share of calls that fail: give a number above 0 and up to 1, such as 0.10"
    )
    if not 0 < share <= 1:
        message = f"--chaos-rate is {rate}, but it is the share of calls that fail: give a number above 0 and up to 1, such as 0.10"
        raise SettingsError(message)
    names = tuple(dict.fromkeys(name.strip() for name in types.split(",") if name.strip()))
    for name in names:
        if name not in TYPES:
            close = difflib.get_close_matches(name, TYPES, n=1)
            hint = f" (did you mean {close[0]}?)" if close else ""
            message = (
                f"--chaos-types names {name!r}, which is no type of fault{hint}; the types are: {', '.join(TYPES)}"
            )
            raise SettingsError(message)
    if not names:
        message = f"--chaos-types names no type of fault; the types are: {', '.join(TYPES)}"
        raise SettingsError(message)
    try:
        number = int(seed)
    except ValueError:
        message = f"--chaos-seed is {seed!r}, but it is a whole number, such as 42"
        raise SettingsError(message) from None
    seconds = _number(
        deadline, "--chaos-deadline", "it is the number of seconds that a test may take: give a number above 0"
    )
    if not 0 < seconds < math.inf:
        message = f"--chaos-deadline is {deadline}, but it is the number of seconds that a test may take: give a number above 0"
        raise SettingsError(message)
    packages = tuple(sorted({name.strip() for name in only.split(",") if name.strip()}))
    return Settings(share, names, number, packages, seconds, native)


def _number(text: str, option: str, meaning: str) -> float:
    try:
        return float(text)
    except ValueError:
        message = f"{option} is {text!r}, but {meaning}"
        raise SettingsError(message) from None
