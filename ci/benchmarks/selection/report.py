"""The figures as text: lines for a terminal, and the tables of docs/benchmark-selection.md, which come from its JSON alone."""

from __future__ import annotations

import gzip
import json
import random
import re
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from selection import learned_report

WAYS = {"plain": "`pytest`", "ours": "`select-tests --run`", "testmon": "`pytest --testmon`"}
REPEATS = 2000
ORDER = [
    "impact layer",
    "covered line",
    "covered function",
    "import graph",
    "last failed",
    "random, as many",
    "everything",
    "function",
    "import",
    "breaks more",
]
# The part of the time that the impact layer is to take; suites of so many seconds of processor time are those that this is about.
AIM = 0.25
LONG = 20
# The part of the killed faults that it is to see, and from where a share is written with a decimal.
SEEN = 0.99
NEARLY = 0.99
# So many changes are to be measured for real in each project.
CHANGES = 30
# A table in the document is what stands between these two.
BLOCK = re.compile(r"(?s)(<!-- figures: (?P<name>[a-z-]+) -->\n).*?(<!-- end of figures -->)")


def percent(value: float) -> str:
    """Return a share without decimals that are not known; what is less than all is never 100 %."""
    return f"{min(100 * value, 99.9):.1f} %" if NEARLY <= value < 1 - 1e-9 else f"{100 * value:.0f} %"


def share(each: Mapping[str, float]) -> str:
    """Return a share with its interval."""
    return f"{percent(each['value'])} [{percent(each['low'])}, {percent(each['high'])}]"


def line_of(way: str, found: Mapping[str, Any]) -> str:
    """Return a line for the terminal."""
    return (
        f"  {way:26} {found['faults']:4} faults {found['killed']:4} seen by the suite, missed {found['missed']:3}, seen {share(found['detected']):24} by few {share(found['detected_few']):22}"
        f" tests {percent(found['tests']['value']):5} test time {share(found['test_seconds']):20} time {share(found['time']):22} F1 {found['f1']:.2f}"
    )


def resampled(rows: list[Mapping[str, Any]], way: str, kind: str) -> dict[str, float]:
    """Return the sum of a way's seconds over that of plain pytest, with an interval by resampling functions."""
    groups: dict[str, list[float]] = {}
    for row in rows:
        sums = groups.setdefault(row["cluster"], [0.0, 0.0])
        sums[0] += row[way][kind]
        sums[1] += row["plain"][kind]
    pairs = list(groups.values())
    generator = random.Random(1)  # noqa: S311 - a sample, no secret
    drawn = []
    for _ in range(REPEATS):
        chosen = generator.choices(pairs, k=len(pairs))
        drawn.append(sum(each[0] for each in chosen) / sum(each[1] for each in chosen))
    drawn.sort()
    value = sum(each[0] for each in pairs) / sum(each[1] for each in pairs)
    return {"value": value, "low": drawn[int(0.025 * REPEATS)], "high": drawn[int(0.975 * REPEATS)]}


def summed(rows: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the ways took and missed over measured changes."""
    red = [row for row in rows if row["plain"]["red"]]
    told: dict[str, Any] = {"changes": len(rows), "red": len(red), "ways": {}}
    for way in WAYS:
        told["ways"][way] = {
            "wall": round(sum(row[way]["wall"] for row in rows), 1),
            "median wall": round(statistics.median(row[way]["wall"] for row in rows), 2),
            "processor": round(sum(row[way]["processor"] for row in rows), 1),
            "median processor": round(statistics.median(row[way]["processor"] for row in rows), 2),
            "tests": sum(row[way]["tests"] for row in rows),
            "missed": sorted(row["fault"] for row in red if not row[way]["red"]),
            "of wall": resampled(rows, way, "wall"),
            "of processor": resampled(rows, way, "processor"),
        }
    return told


def times(stored: Path) -> dict[str, Any]:
    """Return what the measured times say, for each project that has some."""
    told = {}
    for file in sorted(stored.glob("*.wall.jsonl.gz")):
        first, *every = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
        rows = [row for row in every if "hangs" not in row]
        loads = sorted(row["load"] for row in rows)
        parts = {"all": rows, "function": [row for row in rows if row["stratum"] == "function"]}
        told[first["project"]] = {
            "cloche": first["cloche"],
            "python": first["python"],
            "cores": first["cores"],
            "load": [loads[0], statistics.median(loads), loads[-1]],
            "recording": {name: first[name]["processor"] for name in ("plain", "record", "record testmon")},
            **{part: summed(of) for part, of in parts.items() if of},
        }
    return told


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table."""
    return "\n".join(f"| {' | '.join(each)} |" for each in [head, ["---"] * len(head), *rows]) + "\n"


def data_table(told: Mapping[str, Any]) -> str:
    """Return what was measured on."""
    rows = []
    for name, each in [
        *sorted(told["projects"].items()),
        *((f"{name}, cosmic-ray", each) for name, each in told["other tool"].items()),
    ]:
        drawn, sites, outcomes = each["drawn"], each["sites"], each["outcomes"]
        source = each["facts"]["source"].split()[0].removesuffix(".tar.gz")
        faults = ", ".join(f"{drawn.get(stratum, 0)} of {number} {stratum}" for stratum, number in sites.items())
        ended = ", ".join(
            f"{outcomes[outcome]} {outcome}"
            for outcome in ("killed", "survived", "collection", "broad", "time")
            if outcome in outcomes
        )
        rows.append(
            [
                name,
                source,
                f"{each['tests']} in {each['test seconds']:.1f} s",
                faults,
                str(each["seed"]),
                ended,
                str(len(each["flaky"])),
            ]
        )
    return table(["project", "sdist", "tests", "faults drawn of sites", "seed", "outcomes", "flaky"], rows)


def cells(name: str, way: str, found: Mapping[str, Any]) -> list[str]:
    """Return a row of figures."""
    seen, few = found["detected"], found["detected_few"]
    return [
        name,
        way,
        f"{found['killed'] - found['missed']} of {found['killed']}",
        f"{percent(seen['value'])}, at least {percent(seen['low'])}" if found["killed"] else "",
        f"{found['few']}: {percent(few['value'])}" if found["few"] else "0",
        percent(found["tests"]["value"]),
        share(found["test_seconds"]),
        share(found["time"]),
        f"{found['f1']:.2f}",
    ]


HEAD = ["project", "way", "faults seen", "weighted", "by at most 2 tests", "tests", "test time", "time", "F1"]


def ordered(found: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return ways or strata in the order in which they are told."""
    return [(name, found[name]) for name in ORDER if name in found]


def ways_table(told: Mapping[str, Any]) -> str:
    """Return ways to select beside one another."""
    return table(
        HEAD,
        [
            cells(name, way, found)
            for name, each in sorted(told["projects"].items())
            for way, found in ordered(each["ways"])
        ],
    )


def strata_table(told: Mapping[str, Any], key: str = "projects") -> str:
    """Return the impact layer by stratum."""
    rows = []
    for name, each in told[key].items():
        rows.append(cells(name, "all", each["ways"]["impact layer"]))
        rows += [cells(name, part, found) for part, found in ordered(each["impact layer"])]
    return table([HEAD[0], "stratum", *HEAD[2:]], rows)


def repeated_table(told: Mapping[str, Any]) -> str:
    """Return whether a second tool's faults give the same figures."""
    rows = []
    for name, second in told["other tool"].items():
        first = told["projects"][name]
        for what, key in (("seen", "detected"), ("tests", "tests"), ("test time", "test_seconds"), ("time", "time")):
            one, two = first["ways"]["impact layer"][key], second["ways"]["impact layer"][key]
            rows.append(
                [name, what, share(one), share(two), "yes" if one["low"] <= two["value"] <= one["high"] else "no"]
            )
    return table(["project", "figure", "own operators", "cosmic-ray", "within the interval"], rows)


def times_table(told: Mapping[str, Any], part: str) -> str:
    """Return what was measured from save to verdict."""
    rows = []
    for name, each in told["times"].items():
        if part not in each:
            continue
        found = each[part]
        for way, what in WAYS.items():
            here = found["ways"][way]
            rows.append(
                [
                    name,
                    what,
                    str(found["changes"]),
                    f"{here['wall']:.0f} s",
                    f"{here['median wall']:.1f} s",
                    share(here["of wall"]),
                    f"{here['processor']:.0f} s",
                    f"{here['median processor']:.1f} s",
                    share(here["of processor"]),
                    str(here["tests"]),
                    f"{len(here['missed'])} of {found['red']}",
                ]
            )
        rows[-1][1] += f" (load {each['load'][0]:.0f} to {each['load'][2]:.0f})"
    return table(
        [
            "project",
            "command",
            "changes",
            "wall",
            "median",
            "of plain",
            "processor",
            "median",
            "of plain",
            "tests run",
            "missed",
        ],
        rows,
    )


def verdict(part: float) -> str:
    """Return whether a part of the time is small enough."""
    return "met" if part <= AIM else "not met"


def verdicts(told: Mapping[str, Any]) -> list[list[str]]:
    """Return the aims of the impact layer, with what was found."""
    rows = []
    layers = {name: each["ways"]["impact layer"] for name, each in sorted(told["projects"].items())}
    functions = sum(each["functions"] for each in layers.values())
    missed = sum(each["missed"] for each in layers.values())
    killed = sum(each["killed"] for each in layers.values())
    low = 0.05 ** (1 / functions) if not missed else min(each["detected"]["low"] for each in layers.values())
    median = statistics.median(each["detected"]["value"] for each in layers.values())
    rows.append(
        [
            "impact layer: >= 99 % of the killed faults are seen",
            f"{killed - missed} of {killed}, in {functions} functions; median project {percent(median)}; lower 95 % bound of all together {percent(low)}",
            "met" if low >= SEEN else ("not shown" if median >= SEEN else "not met"),
        ]
    )
    part = statistics.median(each["time"]["value"] for each in layers.values())
    tests = statistics.median(each["test_seconds"]["value"] for each in layers.values())
    each_one = ", ".join(f"{name} {share(each['test_seconds'])}" for name, each in layers.items())
    rows.append(
        [
            "impact layer: <= 25 % of the tests' seconds (median project)",
            f"{percent(tests)} ({each_one})",
            verdict(tests),
        ]
    )
    rows.append(
        [
            f"the same with the fixed cost, which is aimed at in suites of {LONG} s and more",
            f"{percent(part)} in these shorter ones",
            "not met" if part > AIM else "met",
        ]
    )
    long = {name: each["time"] for name, each in layers.items() if told["projects"][name]["processor seconds"] >= LONG}
    if long:
        said = ", ".join(f"{name} {share(each)}" for name, each in long.items())
        rows.append(
            [f"the same in suites of {LONG} s and more", said, verdict(max(each["high"] for each in long.values()))]
        )
    every = [each["all"] for each in told["times"].values()]
    if every:
        missed_by, spent = (
            {way: sum(value(each["ways"][way]) for each in every) for way in WAYS}
            for value in (lambda way: len(way["missed"]), lambda way: way["processor"])
        )
        said = f"{missed_by['ours']} and {missed_by['testmon']} missed of {sum(each['red'] for each in every)}; {spent['ours']:.0f} s and {spent['testmon']:.0f} s of processor"
        better = missed_by["ours"] <= missed_by["testmon"] and spent["ours"] < spent["testmon"]
        rows.append(
            [
                "against testmon on all projects together: no more misses, less time",
                said,
                "met" if better else "not met",
            ]
        )
    for name, each in told["times"].items():
        ways = each["all"]["ways"]
        more = len(ways["ours"]["missed"]) - len(ways["testmon"]["missed"])
        ours, testmon = ways["ours"]["processor"], ways["testmon"]["processor"]
        said = f"{len(ways['ours']['missed'])} and {len(ways['testmon']['missed'])} missed of {each['all']['red']}; {ours:.0f} s and {testmon:.0f} s of processor, {ways['ours']['wall']:.0f} s and {ways['testmon']['wall']:.0f} s of wall time"
        number = each["all"]["changes"]
        better = "met" if number >= CHANGES else f"so far: {number} of {CHANGES} changes"
        rows.append(
            [
                f"against testmon on {name}: no more misses, less time",
                said,
                better if more <= 0 and ours < testmon else "not met",
            ]
        )
    for name, second in told["other tool"].items():
        one, two = layers[name]["detected"], second["ways"]["impact layer"]["detected"]
        inside = one["low"] <= two["value"] <= one["high"]
        rows.append(
            [
                f"a second tool repeats it on {name}",
                f"seen {percent(two['value'])} of cosmic-ray's, interval {share(one)}",
                "met" if inside else "not met",
            ]
        )
    return rows


def tables(told: Mapping[str, Any]) -> dict[str, str]:
    """Return each table that there are figures for, by the name of its block in the document."""
    found: dict[str, str] = {}
    aims: list[list[str]] = []
    long = [name for name, each in told.get("projects", {}).items() if each["processor seconds"] >= LONG]
    if "projects" in told:
        aims += verdicts(told)
        operators = [[f"`{name}`", said.replace("|", "\\|")] for name, said in told["operators"].items()]
        found |= {
            "data": data_table(told),
            "strata": strata_table(told),
            "ways": ways_table(told),
            "second-tool": strata_table(told, "other tool"),
            "repeated": repeated_table(told),
            "times": times_table(told, "all"),
            "daily": times_table(told, "function"),
            "operators": table(["operator", "what it does"], operators),
        }
    for split in learned_report.SPLITS:
        if told.get(split):
            aims += learned_report.aims(told[split], split, long)
            found[split.replace(" ", "-")] = table(
                learned_report.HEAD,
                learned_report.rows_of(told[split], learned_report.SIMPLE if split == learned_report.SPLITS[0] else ()),
            )
    if "histories" in told:
        found["histories"] = table(learned_report.HISTORIES, learned_report.history_rows(told["histories"]))
    return found | ({"aims": table(["aim", "found", "verdict"], aims)} if aims else {})


def written(page: str, known: Mapping[str, str]) -> str:
    """Return the document with its tables made anew; raises KeyError for a block that is no table."""
    return BLOCK.sub(lambda found: f"{found[1]}{known[found['name']]}{found[3]}", page)


def renew(told: dict[str, Any], page: Path) -> None:
    """Write the figures beside the document and its tables into it; projects of which nothing is told stay as they are."""
    target = page.with_suffix(".json")
    before = json.loads(target.read_text())
    for part in ("projects", "other tool", "functions left out", "projects left out", "histories"):
        told[part] = before.get(part, {}) | told.get(part, {})
    text = json.dumps(before | told, indent=1, sort_keys=True) + "\n"
    target.write_text(text)
    page.write_text(written(page.read_text(), tables(json.loads(text))))
