"""The model card: what a model is made of, and how it does on changes it has not seen, beside simpler ways to select."""

import io
import json
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from cloche.selection.learned.columns import COLUMNS
from cloche.selection.learned.fitted import Trained
from cloche.selection.learned.measuring import Measured, average_precision, measure
from cloche.selection.learned.rows import Row
from cloche.selection.learned.rule import share_interval
from cloche.selection.learned.simple import baselines
from cloche.selection.learned.training import RECALLS, Sample, Validated, caught_levels, fold_of

VERSION = 1
SEED = 20_240_607
SHOWN = 0.95


def importances(trained: Trained, samples: Sequence[Sample]) -> list[tuple[str, float]]:
    """Return by how much average precision falls when a column is shuffled among the pairs, the greatest fall first.

    Of the model itself, on the pairs that it was fitted on: what it uses, not what it is worth.
    """
    chosen = [each for each in samples if each.decided and each.row.usable and len(each.open)]
    values = np.concatenate([each.values[each.open] for each in chosen])
    failed = np.concatenate([each.failed[each.open] for each in chosen])
    weights = np.ones(len(failed))
    before = average_precision(trained.estimator.probability(values), failed, weights)
    generator = np.random.default_rng(SEED)
    found = []
    for index, name in enumerate(COLUMNS):
        if values[:, index].min() == values[:, index].max():
            continue
        shuffled = values.copy()
        shuffled[:, index] = generator.permutation(shuffled[:, index])
        after = average_precision(trained.estimator.probability(shuffled), failed, weights)
        found.append((name, round(before - after, 6)))
    return sorted(found, key=lambda each: (-each[1], each[0]))


def curve(trained: Trained, samples: Sequence[Sample], validated: Validated) -> list[dict[str, float]]:
    """Return points of time against the share of places whose failing changes are all caught, on predictions for changes not fitted on."""
    fitted = trained.fitted
    applied = []
    for each, probability in zip(samples, validated.probabilities, strict=True):
        value = np.zeros(len(probability))
        value[each.open] = fitted.calibration.apply(probability[each.open])
        applied.append(value)
    usable = [(each, value) for each, value in zip(samples, applied, strict=True) if each.row.usable and each.decided]
    caught = caught_levels(fitted.rule, [each for each, _ in usable], [value for _, value in usable])
    if not caught:
        return []
    levels = np.quantile(np.array(caught), np.linspace(0, 1, 41), method="lower")
    gains = []
    for each, value in usable:
        gain = np.zeros(len(value))
        seconds = np.array(each.row.observation.seconds)
        gain[each.open] = fitted.rule.gains(value[each.open], seconds[each.open])
        gains.append((gain, seconds))
    every = sum(float(seconds.sum()) for _, seconds in gains)
    points = []
    for level in sorted(set(levels.tolist()), reverse=True):
        if level <= 0:
            continue
        share = sum(each >= level for each in caught) / len(caught)
        bounds = share_interval(share * len(caught), len(caught), 0.975)
        spent = sum(float(seconds[gain >= level].sum()) for gain, seconds in gains)
        points.append(
            {
                "time": round(spent / every if every else 0.0, 6),
                "caught": round(share, 6),
                "low": round(bounds.low, 6),
                "high": round(bounds.high, 6),
            }
        )
    return points


def make(
    trained: Trained, digest: str, rows: Sequence[Row], samples: Sequence[Sample], validated: Sequence[Validated]
) -> dict[str, Any]:
    """Return the card as JSON values."""
    ordered = [each.row for each in samples]
    best = next(each for each in validated if each.kind == trained.kind)
    usable = [index for index, each in enumerate(samples) if each.row.usable]
    simple = baselines(ordered, best.measured[SHOWN].time.value)
    times = sorted(row.at for row in rows if row.origin != "mutant")
    return {
        "version": VERSION,
        "project": trained.project,
        "model": digest,
        "estimator": trained.kind,
        "rows": {
            "changes": len(rows),
            "usable": len(usable),
            "with_failures": sum(bool(samples[index].row.failed) for index in usable),
            "places": len({(row.project, row.observation.group) for row in rows}),
            "by_origin": _count(row.origin for row in rows),
            "by_stratum": _count(row.stratum or "change" for row in rows),
            "by_kind": trained.kinds,
            "pairs": sum(len(samples[index].row.observation.tests) for index in usable),
            "failing_pairs": sum(len(samples[index].row.failed) for index in usable),
        },
        "period": {"first": times[0], "last": times[-1]} if times else None,
        "validation": (
            f"{len(set(fold_of(ordered)))} parts; mutants of one place, and real changes of one stretch of time, are left out "
            "together, with calibration, rule and level from the others"
        ),
        "rule": {"redundancy": trained.fitted.rule.redundancy, "pace": trained.fitted.rule.pace},
        "levels": {
            f"{recall:g}": None if level is None else {"level": level.level, "recall": level.recall.data()}
            for recall, level in trained.fitted.levels.items()
        },
        "estimators": {
            each.kind: {f"{recall:g}": each.measured[recall].data() for recall in RECALLS} for each in validated
        },
        "baselines": {name: measure([judged[index] for index in usable]).data() for name, judged in simple.items()},
        "columns": list(COLUMNS),
        "importances": [list(each) for each in importances(trained, samples)],
        "curve": curve(trained, samples, best),
    }


def _count(names: Any) -> dict[str, int]:  # noqa: ANN401 - an iterable of texts
    found: dict[str, int] = {}
    for name in names:
        found[name] = found.get(name, 0) + 1
    return dict(sorted(found.items()))


def text(card: dict[str, Any]) -> bytes:
    """Return the card's JSON."""
    return (json.dumps(card, sort_keys=True, indent=1, allow_nan=False) + "\n").encode()


def markdown(card: dict[str, Any]) -> bytes:
    """Return the card for a person."""
    rows = card["rows"]
    origins = ", ".join(f"{number} {name}" for name, number in rows["by_origin"].items())
    lines = [
        f"# Model of the tests of {card['project']}",
        "",
        f"`sha256-{card['model']}`: {card['estimator']}, fitted on {rows['changes']} changes ({origins}), {rows['with_failures']} of",
        f"them with failures, in {rows['places']} places of the code; {rows['failing_pairs']} of {rows['pairs']} pairs of a change and",
        "a test failed. Changes that broke the collection, ran out of time or failed more than half of the tests are left out.",
        "",
        f"Validation: {card['validation']}.",
        "Intervals are of 95 %, by drawing places again. Time is seconds of tests; starting pytest comes on top.",
        "",
        "## On changes that were left out",
        "",
        "| way to select | wanted recall | changes caught | failures run | time of tests | F1 | average precision |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind, by_recall in card["estimators"].items():
        mark = "**" if kind == card["estimator"] else ""
        for recall, each in by_recall.items():
            lines.append(_line(f"{mark}{kind}{mark}", f"{float(recall):.0%}", each))
    lines += [_line(name, "", each) for name, each in card["baselines"].items()]
    lines += [
        "",
        "Where no level shows the wanted recall at its lower bound, all tests that can reach the change run:",
        "",
        "| wanted recall | shown on validation, lower bound |",
        "|---|---|",
    ]
    for recall, level in card["levels"].items():
        shown = (
            "no level: all candidates run"
            if level is None
            else f"{level['recall']['value']:.1%}, {level['recall']['low']:.1%}"
        )
        lines.append(f"| {float(recall):.0%} | {shown} |")
    lines += [
        "",
        "![time against the chance to catch a failing change](curve.svg)",
        "",
        "## What it looks at",
        "",
        "By how much average precision falls on the training pairs when a column is shuffled:",
        "",
        "| column | fall |",
        "|---|---|",
        *(f"| {name} | {fall:.4f} |" for name, fall in card["importances"][:15]),
        "",
    ]
    return "\n".join(lines).encode()


def _line(name: str, recall: str, each: dict[str, Any]) -> str:
    cells = [
        f"{each[key]['value']:.3f} ({each[key]['low']:.3f} to {each[key]['high']:.3f})"
        for key in ("detected", "failures_run", "time", "f1", "average_precision")
    ]
    return f"| {name} | {recall} | {' | '.join(cells)} |"


def plot(card: dict[str, Any]) -> bytes:
    """Return the confidence curve as SVG; the same card gives the same bytes."""
    with mpl.rc_context({"svg.hashsalt": "cloche", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure = Figure(figsize=(7, 4.5), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        points = card["curve"]
        time = [100 * point["time"] for point in points]
        axes.plot(time, [100 * point["caught"] for point in points], color="#0072B2", label=card["estimator"])
        axes.fill_between(
            time,
            [100 * point["low"] for point in points],
            [100 * point["high"] for point in points],
            color="#0072B2",
            alpha=0.2,
            linewidth=0,
        )
        for mark, (name, each) in zip("osv^<>DPX", sorted(card["baselines"].items()), strict=False):
            axes.plot(
                [100 * each["time"]["value"]], [100 * each["detected"]["value"]], mark, color="#555555", label=name
            )
        axes.set_xlabel("time of tests, % of all")
        axes.set_ylabel("caught with failures: places (curve), changes (marks), %")
        axes.set_xlim(left=0)
        axes.set_ylim(0, 101)
        axes.legend(fontsize=7, loc="lower right")
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def files_of(card: dict[str, Any]) -> dict[str, bytes]:
    """Return the card's three files."""
    makers: dict[str, Callable[[dict[str, Any]], bytes]] = {
        "card.json": text,
        "card.md": markdown,
        "curve.svg": plot,
    }
    return {name: maker(card) for name, maker in makers.items()}


__all__ = ["Measured", "files_of", "make"]
