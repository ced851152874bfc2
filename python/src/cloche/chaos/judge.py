"""Turn recordings of a suite under chaos, one for each seed, into a verdict."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cloche.outcomes.failures import failing

CONFIDENCE = 0.95
# What the options cap: their names, and what is said of the tests.
CAPPED = {
    "safe": "are marked chaos_safe, never under chaos",
    "notReached": "were not reached by a fault with any seed",
    "notRun": "pass without chaos and were not run under it with any seed",
    "fragile": "are marked chaos_fragile, expected not to survive",
    "unasserted": "survived without an assertion after the last fault",
}
# How many tests a message names.
SHOWN = 5


@dataclass
class Test:
    """What is known of one test over all seeds."""

    name: str
    marker: str | None
    # Seeds with which a fault fired, and those of them with which the test survived.
    fired: int = 0
    survived: int = 0
    unasserted: bool = False
    ran: bool = False


@dataclass
class Facts:
    """What the recordings say."""

    tests: dict[str, Test] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    # Failures without a fault.
    broken: list[str] = field(default_factory=list)
    faults: int = 0
    # Type of faults -> test -> (test, seed) pairs that survived, and all of them.
    by_type: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict)


def lower_bound(clusters: list[tuple[int, int]]) -> float:
    """Return the lower 95 % bound (one-sided) of a proportion whose trials come in clusters of (successes, trials).

    The interval of Korn and Graubard (Survey Methodology 24, 1998, 193-201): Clopper and Pearson's, for the number of
    independent trials that would have the variance that the clusters show, with Student's t for few clusters. Where all
    succeed, they show no variance, and each cluster counts as one trial. That is also the most that any number of
    trials in as many clusters can show, so a failure never raises the bound.
    """
    # The quantiles of the Beta and of Student's distribution; scipy.stats, which has them too, takes seconds to import.
    from scipy.special import betaincinv, stdtrit  # noqa: PLC0415 - only where there is something to judge

    alpha = 1 - CONFIDENCE
    count, trials = len(clusters), sum(each for _, each in clusters)
    successes = sum(each for each, _ in clusters)
    if not successes:
        return 0.0
    ceiling = float(alpha ** (1 / count))
    if successes == trials:
        return ceiling
    share = successes / trials
    if count == 1:
        effective = 1.0
    else:
        spread = sum((good - share * each) ** 2 for good, each in clusters)
        variance = count / (count - 1) * spread / trials**2
        design = variance / (share * (1 - share) / trials)
        # Clusters that are more alike than chance makes them are no reason to count more trials than there were.
        effective = trials / max(design, 1.0)
        effective *= float((stdtrit(trials - 1, CONFIDENCE) / stdtrit(count - 1, CONFIDENCE)) ** 2)
    return min(float(betaincinv(share * effective, (1 - share) * effective + 1, alpha)), ceiling)


def survival(clusters: list[tuple[int, int]]) -> dict[str, int | float]:
    """Return how many trials in clusters survived, out of how many, and the lower 95 % bound of that share."""
    return {
        "survived": sum(good for good, _ in clusters),
        "pairs": sum(each for _, each in clusters),
        "lower95": lower_bound(clusters),
    }


def needed_tests(floor: float) -> int:
    """Return how many tests, all surviving, show that the share of survivors is at least `floor`."""
    count = 1
    while (1 - CONFIDENCE) ** (1 / count) < floor:
        count += 1
    return count


def plain_name(test: str) -> str:
    """Return a node id as the record without chaos has it."""
    address, bracket, parameters = test.partition("[")
    file, *rest = address.split("::")
    parts = [file.replace("/", ".").removesuffix(".py"), *rest]
    return f"{'.'.join(parts[:-1])}::{parts[-1]}{bracket}{parameters}"


def unlike(recordings: list[dict[str, Any]]) -> list[str]:
    """Return what is to be said of recordings that lack tests which others have."""
    lists = {recording["settings"]["seed"]: {entry["test"] for entry in recording["tests"]} for recording in recordings}
    everything = set().union(*lists.values())
    return [
        f"with seed {seed} there are {len(lost)} tests fewer than with the others, so the seeds are not of one suite; what pytest "
        f"collects must not depend on the run: {named(sorted(lost))}"
        for seed, tests in sorted(lists.items())
        if (lost := everything - tests)
    ]


def gave_up(entry: dict[str, Any], passed: set[str]) -> bool:
    """Return whether a test that passes without chaos gave up after a fault, which is no way to survive it."""
    return bool(entry["outcome"] in {"skipped", "xfailed"} and entry["fired"] and plain_name(entry["test"]) in passed)


def passing(plain: dict[str, Any]) -> set[str]:
    """Return the tests that pass without chaos."""
    return {entry["test"] for entry in plain["tests"] if entry["outcome"] == "passed"}


def gather(recordings: list[dict[str, Any]], plain: dict[str, Any]) -> Facts:
    """Return what the recordings of all seeds say."""
    facts = Facts()
    passed = passing(plain)
    for recording in recordings:
        seed = recording["settings"]["seed"]
        for entry in recording["tests"]:
            test = facts.tests.setdefault(entry["test"], Test(entry["test"], entry["marker"]))
            bad = entry["outcome"] in {"failed", "hung"} or gave_up(entry, passed)
            line = f"{entry['outcome']} {entry['test']} (seed {seed}): {entry['message']}"
            facts.faults += len(entry["fired"])
            test.ran = test.ran or entry["outcome"] not in {"skipped", "xfailed"}
            if bad and not entry["fired"]:
                facts.broken.append(line)
            if not (bad or entry["outcome"] == "survived"):
                continue
            if entry["marker"] == "fragile":
                if bad:
                    facts.expected.append(line)
                continue
            if not entry["fired"]:
                continue
            test.fired += 1
            test.survived += not bad
            test.unasserted = test.unasserted or entry["unasserted"]
            for kind in {each["type"] for each in entry["fired"]}:
                good, pairs = facts.by_type.setdefault(kind, {}).get(test.name, (0, 0))
                facts.by_type[kind][test.name] = (good + (not bad), pairs + 1)
            if bad:
                places = [f"    {each['operation']} {each['fault']} at {each['at']}" for each in entry["fired"]]
                facts.failures.append("\n".join([line, *places, f"    replay: {entry['replay']}"]))
    return facts


def named(names: list[str]) -> str:
    """Return some of the names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def judge(
    recordings: list[dict[str, Any]], plain: dict[str, Any], floor: float, most: dict[str, int | None]
) -> tuple[dict[str, Any], list[str], Facts]:
    """Return the verdict as JSON, what is wrong, and the facts."""
    facts = gather(recordings, plain)
    tests = list(facts.tests.values())
    reached = [test for test in tests if test.fired]
    groups = {
        "safe": [test.name for test in tests if test.marker == "safe"],
        "notReached": [
            test.name for test in tests if test.ran and not test.fired and test.marker not in {"safe", "fragile"}
        ],
        "notRun": sorted(passing(plain) - {plain_name(test.name) for test in tests if test.ran or test.fired}),
        "fragile": [test.name for test in tests if test.marker == "fragile"],
        "unasserted": [test.name for test in tests if test.unasserted],
    }
    pairs, survived = sum(test.fired for test in reached), sum(test.survived for test in reached)
    bound = lower_bound([(test.survived, test.fired) for test in reached]) if reached else 0.0
    problems = unlike(recordings)
    failed = [entry["test"] for entry in plain["tests"] if failing(entry["outcome"])]
    if failed:
        problems.append(
            f"{len(failed)} tests fail without chaos, so their failures say nothing about it: {named(failed)}"
        )
    if facts.broken:
        problems.append(f"{len(facts.broken)} times a test failed although no fault had fired in it; see above")
    if not facts.faults:
        problems.append(
            "no fault fired, so nothing was shown: the tests make no call that cloche.chaos.types can reach below\n"
            "cloche.chaos.packages, or cloche.chaos.rate is too low for so few calls"
        )
    elif not pairs:
        problems.append("faults fired in expected-fragile tests only, so nothing was shown about survival")
    elif bound < floor:
        words = f"survival is at least {bound:.1%}, less than the floor of {floor:.1%} (cloche.chaos.floor)"
        if survived == pairs:
            words += f": all {pairs} pairs survived, but {len(reached)} tests can show no more; {needed_tests(floor)} are needed"
        problems.append(words)
    for name, meaning in CAPPED.items():
        maximum = most.get(name)
        if maximum is not None and len(groups[name]) > maximum:
            problems.append(
                f"{len(groups[name])} tests {meaning}, more than the {maximum} of cloche.chaos.maximum.{name}: {named(groups[name])}"
            )
    verdict = {
        "version": 1,
        "seeds": sorted(recording["settings"]["seed"] for recording in recordings),
        "faults": facts.faults,
        "pairs": pairs,
        "survived": survived,
        "tests": len(reached),
        "survival": survived / pairs if pairs else None,
        "lower95": bound if pairs else None,
        "floor": floor,
        "by_type": {kind: survival(list(clusters.values())) for kind, clusters in sorted(facts.by_type.items())},
        **{name: sorted(names) for name, names in groups.items()},
        "problems": problems,
    }
    return verdict, problems, facts


def main(attributes: dict[str, Any]) -> None:
    """Write the verdict into attributes["outputs"]["out"], or fail with the reasons."""
    recordings = [json.loads(Path(folder, "chaos.json").read_text()) for folder in attributes["recordings"]]
    plain = json.loads(Path(attributes["results"], "outcomes.json").read_text())
    verdict, problems, facts = judge(recordings, plain, attributes["floor"], attributes["most"])
    for line in facts.expected:
        print(f"expected: {line}")
    for line in [*facts.failures, *facts.broken]:
        print(line, file=sys.stderr)
    for kind, counts in verdict["by_type"].items():
        print(f"{kind}: {counts['survived']} of {counts['pairs']} (test, seed) pairs survived")
    if verdict["pairs"]:
        print(
            f"survival {verdict['survived']}/{verdict['pairs']} = {verdict['survival']:.1%}, at least {verdict['lower95']:.1%} (95 %, "
            f"clustered by {verdict['tests']} tests); {verdict['faults']} faults with {len(recordings)} seeds"
        )
    print("; ".join(f"{len(verdict[name])} tests {meaning}" for name, meaning in CAPPED.items()))
    if problems:
        sys.exit("\n".join([*problems, f"the whole record is in {' '.join(attributes['recordings'])}"]))
    out = Path(attributes["outputs"]["out"])
    out.mkdir()
    (out / "verdict.json").write_text(json.dumps(verdict, indent=1, sort_keys=True) + "\n")
