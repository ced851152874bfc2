"""What is said of every test: it runs, in this order and for these reasons, or it is left out for that one."""

import json
from dataclasses import dataclass, field
from typing import Any

from cloche.selection.impact.verb import Answer
from cloche.untrusted import terminal

# What --explain shows of one test.
MOST_REASONS = 3


@dataclass(frozen=True)
class Verdict:
    """The decision on all tests, and what it rests on."""

    answer: Answer
    # In the order in which they should run.
    run: list[str]
    reasons: dict[str, list[str]]
    # Test -> why it does not run.
    left_out: dict[str, str]
    # Why every test runs; None when some do not.
    everything: str | None = None
    # What a person should know besides: why a model decided nothing, what has drifted.
    notes: list[str] = field(default_factory=list)
    # What a model says; empty without one.
    probability: dict[str, float] = field(default_factory=dict)
    # The recall that validation showed for this choice: value, lower and upper bound.
    recall: dict[str, float] | None = None
    # What the tests that run took so far, and all tests (seconds); None where nothing is known.
    seconds: tuple[float, float] | None = None
    # The SHA-256 that names the model.
    model: str | None = None

    @property
    def empty(self) -> bool:
        """Whether no test runs."""
        return self.everything is None and not self.run

    def why_empty(self) -> str | None:
        """Say why no test runs, None when some do."""
        if not self.empty:
            return None
        since = f"since {self.answer.base[:12]}"
        if not self.answer.changes:
            return f"nothing that tests could depend on changed {since}"
        reached = sorted(set(self.left_out.values()) - {UNREACHED})
        if reached:
            held = sum(why != UNREACHED for why in self.left_out.values())
            return f"{held} tests can reach the {len(self.answer.changes)} changes {since}, and none runs: {reached[0]}"
        return f"no test is known to reach any of the {len(self.answer.changes)} changes {since}"

    def words(self) -> list[str]:
        """Return the verdict as arguments for pytest; none for everything."""
        return [] if self.everything is not None else self.run

    def text(self, output_format: str) -> str:
        """Return the verdict in one of the formats."""
        listed = self.run if self.everything is None else self.answer.paths
        if output_format == "pytest":
            return "".join(f"{word}\n" for word in listed)
        if output_format == "github":
            number = "all" if self.everything is not None else str(len(self.run))
            return (
                f"everything={json.dumps(self.everything is not None)}\nempty={json.dumps(self.empty)}\n"
                f"count={number}\ntests={json.dumps(listed)}\n"
            )
        return json.dumps(self.data(), indent=1, sort_keys=True) + "\n"

    def data(self) -> dict[str, Any]:
        """Return all that is known, for --format json."""
        stale = self.answer.staleness
        return {
            "version": 2,
            "base": self.answer.base,
            "head": self.answer.head,
            "everything": self.everything,
            "empty": self.why_empty(),
            "known": self.answer.known,
            "tests": [
                {"id": test, "reasons": self.reasons[test], "probability": self.probability.get(test)}
                for test in (self.run if self.everything is None else [])
            ],
            "left_out": [
                {"id": test, "reason": why, "probability": self.probability.get(test)}
                for test, why in sorted(self.left_out.items())
            ],
            "changes": [change.sentence() for change in self.answer.changes],
            "stale": None if stale is None else {"functions": stale.functions, "unknown": stale.unknown},
            "notes": self.notes,
            "model": self.model,
            "recall": self.recall,
            "seconds": None if self.seconds is None else {"selected": self.seconds[0], "all": self.seconds[1]},
        }

    def explained(self) -> list[str]:
        """Return a line for each test that runs and its first reasons, then one for each that does not."""
        if self.everything is not None:
            return [f"everything: {self.everything}"]
        lines = []
        for test in self.run:
            reasons = self.reasons[test]
            lines += [f"{test}: {why}" for why in reasons[:MOST_REASONS]]
            if len(reasons) > MOST_REASONS:
                lines.append(f"{test}: and {len(reasons) - MOST_REASONS} more reasons (--format json has all)")
        lines += [f"left out {test}: {why}" for test, why in sorted(self.left_out.items())]
        return [terminal.line(each) for each in lines]

    def sentence(self) -> str:
        """Say how many tests run."""
        stale = self.answer.staleness
        lines = [] if stale is None else [stale.sentence()]
        lines += self.notes
        if self.everything is not None:
            lines.append(f"everything is selected: {self.everything}")
        elif self.empty:
            lines.append(f"no test is selected: {self.why_empty()}")
        else:
            took = "" if self.seconds is None else f" ({self.seconds[0]:.1f} of {self.seconds[1]:.1f} s of tests)"
            lines.append(f"{len(self.run)} selected{took}; the map knows {self.answer.known} tests")
        if self.recall is not None:
            lines.append(
                f"on validation such a choice caught {self.recall['value']:.1%} of the changes with failures (at least "
                f"{self.recall['low']:.1%}, with 95 % confidence)"
            )
        return "\n".join(lines)


UNREACHED = "cannot reach the change"
UNCHANGED = "unchanged input"


def reasons_of(answer: Answer) -> dict[str, list[str]]:
    """Return the reasons of each selected test; those of a rule say so first."""
    always = answer.selection.always
    return {
        test: [f"always-run rule: {always[test]}", *(why for why in reasons if why != always[test])]
        if test in always
        else reasons
        for test, reasons in answer.selection.reasons.items()
    }


def unreached(answer: Answer) -> dict[str, str]:
    """Return why each test that the impact layer did not select does not run."""
    if answer.evidence is None or answer.selection.everything is not None:
        return {}
    why = UNREACHED if answer.changes else UNCHANGED
    return dict.fromkeys(sorted(answer.evidence.there - set(answer.selection.reasons)), why)


def plain(answer: Answer) -> Verdict:
    """Return the verdict that all selected tests run."""
    everything = answer.selection.everything
    if everything is not None:
        return Verdict(answer, [], {}, {}, everything)
    return Verdict(answer, sorted(answer.selection.reasons), reasons_of(answer), unreached(answer))
