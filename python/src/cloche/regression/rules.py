"""Rules: how far a value may be from its reference, and waivers: findings that are accepted until a day.

A file of rules is TOML with tables [[rule]] and [[waiver]] (docs/regression.md). The first rule whose path matches holds;
where none does, the default holds.
"""

import math
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from cloche.errors import ClocheError
from cloche.results.patterns import Step, parse
from cloche.untrusted import toml
from cloche.untrusted.limits import POLICY


class Kind(StrEnum):
    """What a rule asks for."""

    DEFAULT = "default"
    TOLERANCE = "tolerance"
    ULP = "ulp"
    EXACT = "exact"
    IGNORE = "ignore"
    DISTRIBUTION = "distribution"


class Worse(StrEnum):
    """The direction in which a value gets worse."""

    HIGHER = "higher"
    LOWER = "lower"


class Test(StrEnum):
    """Two-sample tests, each with the effect size that belongs to it."""

    __test__ = False  # no test of pytest
    MANN_WHITNEY = "mann-whitney"
    WELCH = "welch"
    KOLMOGOROV_SMIRNOV = "kolmogorov-smirnov"


# Where a rule names no effects: what is "large", and below what an effect is "negligible", by Romano et al. 2006 (Cliff's
# delta) and Cohen 1988 (d); the distances of Kolmogorov and Smirnov are those of normal distributions that are 0.8 and 0.2
# deviations apart.
EFFECT = {Test.MANN_WHITNEY: 0.474, Test.WELCH: 0.8, Test.KOLMOGOROV_SMIRNOV: 0.311}
NEGLIGIBLE = {Test.MANN_WHITNEY: 0.147, Test.WELCH: 0.2, Test.KOLMOGOROV_SMIRNOV: 0.080}


@dataclass(frozen=True)
class Distribution:
    """How two samples are compared.

    Effects are Cliff's delta for mann-whitney, Hedges' g for welch, and the greatest distance of the two distribution
    functions for kolmogorov-smirnov, which alone sees a changed spread or shape.
    """

    test: Test = Test.MANN_WHITNEY
    # An effect of this size must be found with the probability `power`.
    effect: float = EFFECT[Test.MANN_WHITNEY]
    # A smaller effect is none, however sure it is.
    negligible: float = NEGLIGIBLE[Test.MANN_WHITNEY]
    # The probability of any false alarm among all samples of one comparison.
    alpha: float = 0.05
    power: float = 0.8


@dataclass(frozen=True)
class Rule:
    """One rule. A tolerance is the greater of `absolute` and `relative` times the reference."""

    path: str
    kind: Kind
    steps: tuple[Step, ...] = ()
    absolute: float | None = None
    relative: float | None = None
    ulp: int | None = None
    worse: Worse | None = None
    reason: str = ""
    distribution: Distribution = field(default_factory=Distribution)

    def words(self) -> str:
        """Return what the rule asks for, as a person says it."""
        match self.kind:
            case Kind.TOLERANCE:
                parts = [
                    f"{name} {value:g}"
                    for name, value in (("absolute", self.absolute), ("relative", self.relative))
                    if value is not None
                ]
                text = " or ".join(parts)
            case Kind.ULP:
                text = f"{self.ulp} ULP"
            case Kind.DISTRIBUTION:
                text = f"{self.distribution.test}, effect {self.distribution.effect:g}"
            case kind:
                text = str(kind)
        return f"{text}, worse if {self.worse}" if self.worse else text


DEFAULT = Rule("**", Kind.DEFAULT)


@dataclass(frozen=True)
class Waiver:
    """A path whose findings are accepted up to and including a day."""

    path: str
    reason: str
    expires: date
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Rules:
    """The rules and waivers of one comparison, in their order."""

    rules: tuple[Rule, ...] = ()
    waivers: tuple[Waiver, ...] = ()


_RULE = {"path", "absolute", "relative", "ulp", "exact", "ignore", "worse", "distribution"}
_DISTRIBUTION = {"test", "effect", "negligible", "alpha", "power"}
_WAIVER = {"path", "reason", "expires"}


def load(path: Path) -> Rules:
    """Return the rules of a file. Raises ClocheError, or BadTomlError for a file that is no TOML."""
    try:
        data = toml.load(path, limit=POLICY)
    except OSError as error:
        raise ClocheError(f"{path}: the rules cannot be read: {error.strerror}") from error
    return of_data(data, str(path))


def of_data(data: dict[str, Any], source: str) -> Rules:
    """Return the rules that tables of TOML, or the options of Nix, describe."""
    if strange := sorted(set(data) - {"rule", "waiver"}):
        raise ClocheError(f"{source}: there is no table {strange[0]!r}; there are [[rule]] and [[waiver]]")
    for name, tables in data.items():
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            raise ClocheError(f"{source}: {name!r} is no list of tables; write [[{name}]]")
    rules = [_rule(table, f"{source}: rule {number}") for number, table in enumerate(data.get("rule", []), start=1)]
    waivers = [
        _waiver(table, f"{source}: waiver {number}") for number, table in enumerate(data.get("waiver", []), start=1)
    ]
    return Rules(tuple(rules), tuple(waivers))


def _known(table: dict[str, Any], names: set[str], where: str) -> None:
    if strange := sorted(set(table) - names):
        raise ClocheError(f"{where}: there is no key {strange[0]!r}; the keys are {', '.join(sorted(names))}")


def _text(table: dict[str, Any], name: str, where: str) -> str:
    value = table.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ClocheError(
            f"{where}: {name!r} is {'missing' if value is None else repr(value)}; it must be a text that is not empty"
        )
    return value


def _number(table: dict[str, Any], name: str, where: str, most: float = math.inf) -> float | None:
    value = table.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most or math.isinf(value):
        bound = "" if math.isinf(most) else f" and at most {most:g}"
        raise ClocheError(f"{where}: {name!r} is {value!r}; it must be a number above 0{bound}")
    return float(value)


def _rule(table: dict[str, Any], where: str) -> Rule:
    _known(table, _RULE, where)
    path = _text(table, "path", where)
    where = f"{where} ({path})"
    absolute, relative = _number(table, "absolute", where), _number(table, "relative", where)
    ulp = table.get("ulp")
    if ulp is not None and (isinstance(ulp, bool) or not isinstance(ulp, int) or ulp < 1):
        raise ClocheError(f"{where}: 'ulp' is {ulp!r}; it must be a whole number above 0")
    if table.get("exact", True) is not True:
        raise ClocheError(f"{where}: 'exact' is {table['exact']!r}; write exact = true, or leave it out")
    kinds = [
        kind
        for kind, present in (
            (Kind.TOLERANCE, absolute is not None or relative is not None),
            (Kind.ULP, ulp is not None),
            (Kind.EXACT, "exact" in table),
            (Kind.IGNORE, "ignore" in table),
            (Kind.DISTRIBUTION, "distribution" in table),
        )
        if present
    ]
    if len(kinds) > 1:
        raise ClocheError(f"{where}: it asks for {' and '.join(kinds)} at once; make it one of them")
    kind = kinds[0] if kinds else Kind.DEFAULT
    worse = table.get("worse")
    if worse is not None and worse not in tuple(Worse):
        raise ClocheError(f'{where}: \'worse\' is {worse!r}; it must be "higher" or "lower"')
    if not kinds and worse is None:
        raise ClocheError(
            f"{where}: it asks for nothing; give it absolute, relative, ulp, exact, ignore, distribution or worse"
        )
    if worse is not None and kind in (Kind.EXACT, Kind.IGNORE):
        raise ClocheError(f"{where}: 'worse' has no meaning beside '{kind}'")
    distribution = _distribution(table.get("distribution", {}), where)
    if worse is not None and distribution.test is Test.KOLMOGOROV_SMIRNOV:
        raise ClocheError(f"{where}: 'worse' has no meaning beside kolmogorov-smirnov, whose distance has no direction")
    return Rule(
        path=path,
        kind=kind,
        steps=parse(path, where),
        absolute=absolute,
        relative=relative,
        ulp=ulp,
        worse=None if worse is None else Worse(worse),
        reason=_text(table, "ignore", where) if "ignore" in table else "",
        distribution=distribution,
    )


def _distribution(table: object, where: str) -> Distribution:
    if not isinstance(table, dict):
        raise ClocheError(
            f"{where}: 'distribution' is {table!r}; it must be a table, such as {{ test = \"mann-whitney\" }}"
        )
    _known(table, _DISTRIBUTION, where)
    name = table.get("test", Test.MANN_WHITNEY)
    if name not in tuple(Test):
        raise ClocheError(f"{where}: 'test' is {name!r}; it must be one of {', '.join(Test)}")
    test = Test(name)
    most = math.inf if test is Test.WELCH else 1
    default = Distribution()
    effect = _number(table, "effect", where, most) or EFFECT[test]
    negligible = _number(table, "negligible", where, most) or min(NEGLIGIBLE[test], effect / 2)
    if negligible >= effect:
        raise ClocheError(f"{where}: 'negligible' is {negligible:g}; it must be below 'effect', which is {effect:g}")
    alpha, power = _number(table, "alpha", where, 0.5), _number(table, "power", where, 0.999)
    return Distribution(test, effect, negligible, alpha or default.alpha, power or default.power)


def _waiver(table: dict[str, Any], where: str) -> Waiver:
    _known(table, _WAIVER, where)
    path = _text(table, "path", where)
    where = f"{where} ({path})"
    expires = table.get("expires")
    if isinstance(expires, str):
        try:
            expires = date.fromisoformat(expires)
        except ValueError:
            expires = table["expires"]
    # A datetime is a date too, and is none here.
    if type(expires) is not date:
        raise ClocheError(
            f"{where}: 'expires' is {'missing' if expires is None else repr(expires)}; it must be a day such as "
            "2026-12-31"
        )
    return Waiver(path, _text(table, "reason", where), expires, parse(path, where))
