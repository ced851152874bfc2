"""The learned layer's figures as text: tables that come from docs/benchmark-selection.json alone."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping, Sequence
from typing import Any

# Simple ways that stand beside the models.
SIMPLE = ("impact layer", "covered line", "covered function", "same path")
CHOSEN = "chosen"
SPLITS = ("functions left out", "projects left out")
# Wanted recall -> the share of the changes that is to be caught, and of the time that it may take.
AIMS = {"0.95": (0.95, 0.10), "0.99": (0.99, 0.20)}
F1 = 0.80


def share(each: Mapping[str, float]) -> str:
    """Return a share in percent with its interval."""
    return f"{100 * each['value']:.1f} % [{100 * each['low']:.1f}, {100 * each['high']:.1f}]"


def number(each: Mapping[str, float]) -> str:
    """Return a figure with its interval."""
    return f"{each['value']:.2f} [{each['low']:.2f}, {each['high']:.2f}]"


def line_of(what: str, way: str, found: Mapping[str, Any]) -> str:
    """Return lines for the terminal."""
    rank = found["ranker"]
    said = ", ".join(
        f"{recall}: missed {each['missed']} of {each['killed']}, caught {share(each['detected'])}, tests' time {share(each['test_seconds'])}, with starting pytest {share(each['time'])}"
        for recall, each in found.items()
        if recall != "ranker"
    )
    return f"{what}: {way:20} F1 {number(rank['f1'])} AP {number(rank['average_precision'])}  {said}"


def rows_of(told: Mapping[str, Any], simple: Sequence[str]) -> list[list[str]]:
    """Return the lines of one way to leave out, with some of the simple ways beside the models."""
    rows = []
    for name, each in sorted(told.items()):
        for way in (CHOSEN, *simple):
            entry = each["ways"][way]
            rank = entry["ranker"]
            for recall in sorted(key for key in entry if key in AIMS or not key):
                found = entry[recall]
                label = f"model ({', '.join(sorted(set(each['kinds'])))})" if way == CHOSEN else way
                first = recall in {"", min(AIMS)}
                rows.append(
                    [
                        name,
                        label,
                        f"{100 * float(recall):.0f} %" if recall else "",
                        f"{found['killed'] - found['missed']} of {found['killed']}",
                        share(found["detected"]),
                        share(found["test_seconds"]),
                        share(found["time"]),
                        *([number(rank["f1"]), number(rank["average_precision"])] if first else ["", ""]),
                    ]
                )
    return rows


def aims(told: Mapping[str, Any], split: str, long: Collection[str] = ()) -> list[list[str]]:
    """Return the aims with what was found, of one way to leave out; in long suites they are to hold at the lower bound and with all time."""
    rows = []
    models = {project: each["ways"][CHOSEN] for project, each in sorted(told.items())}
    for recall, (least, most) in AIMS.items():
        detected = {project: each[recall]["detected"]["value"] for project, each in models.items()}
        caught, time = (
            statistics.median(detected.values()),
            statistics.median(each[recall]["test_seconds"]["value"] for each in models.values()),
        )
        worst = min(detected, key=lambda project: detected[project])
        rows.append(
            [
                f"learned layer, {split}: >= {100 * least:.0f} % caught at <= {100 * most:.0f} % of the tests' time (median project)",
                f"{100 * caught:.1f} % at {100 * time:.1f} %; least caught: {100 * detected[worst]:.1f} % in {worst}",
                "met" if caught >= least and time <= most else "not met",
            ]
        )
        for project in sorted(models.keys() & set(long)):
            found = models[project][recall]
            rows.append(
                [
                    f"the same in a long suite, {project}: lower bound, time with starting pytest",
                    f"{share(found['detected'])} at {share(found['time'])}",
                    "met" if found["detected"]["low"] >= least and found["time"]["high"] <= most else "not met",
                ]
            )
    values = {project: each["ranker"]["f1"]["value"] for project, each in models.items()}
    middle = statistics.median(values.values())
    said = ", ".join(f"{project} {value:.2f}" for project, value in values.items())
    rows.append(
        [
            f"learned layer, {split}: F1 >= {F1:.2f} (median project)",
            f"{middle:.2f}: {said}",
            "met" if middle >= F1 else "not met",
        ]
    )
    return rows


HEAD = [
    "project",
    "way",
    "wanted",
    "faults seen",
    "weighted",
    "test time",
    "with starting pytest",
    "F1",
    "average precision",
]


HISTORIES = ["history", "builds, pairs, failures", "chosen", "best of the simple ways"]


def history_rows(told: Mapping[str, Any]) -> list[list[str]]:
    """Return the lines of the histories."""
    return [
        [
            name,
            f"{each['builds']}, {each['pairs']}, {each['failing']}",
            f"{number3(each['ways'][each['chosen']])}, {each['chosen']}",
            f"{number3(each['ways'][each['simple']])}, {each['simple']}",
        ]
        for name, each in sorted(told.items())
    ]


def number3(each: Mapping[str, float]) -> str:
    """Return a figure with three decimals and its interval."""
    return f"{each['value']:.3f} [{each['low']:.3f}, {each['high']:.3f}]"
