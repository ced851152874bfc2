"""The plots, drawn by Bokeh: each as the JSON that its JavaScript embeds, with its words and its values as a table.

Colours are those of the light page (page.css); the page exchanges them for its own before a plot is drawn.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

# Models are numbered in the order of their making, so that the same facts give the same bytes.
os.environ["BOKEH_SIMPLE_IDS"] = "yes"

from bokeh import __version__
from bokeh.document import Document
from bokeh.models import (
    ColumnDataSource,
    FixedTicker,
    HBar,
    HoverTool,
    Line,
    NumeralTickFormatter,
    Scatter,
    Segment,
    VBar,
)
from bokeh.models.annotations import BoxAnnotation, Span
from bokeh.plotting import figure
from bokeh.util.paths import bokehjs_path

# Colour -> the variable of the style sheet that it stands for.
INK, MUTED, RULE, BAND = "#1c2026", "#5a626e", "#d8dbe0", "#e9ebee"
PASS, ATTENTION, FAIL, LINE, SOFT = "#1d6b42", "#8a5800", "#a3201d", "#1f5a94", "#9db7d2"
COLORS = {
    INK: "--ink",
    MUTED: "--muted",
    RULE: "--rule",
    BAND: "--band",
    PASS: "--pass",
    ATTENTION: "--attention",
    FAIL: "--fail",
    LINE: "--line",
    SOFT: "--soft",
}
# The artifact that all that is over revisions is from.
HISTORY = "history.json"
# All recordings of chaos together.
SEEDS = "all seeds"
FONT = "Helvetica, Arial, sans-serif"
# With more values than this a line shows each without a dot.
DOTS = 60
# How far about the median a value of an unchanged level lies, in deviations of the noise.
BAND_WIDTH = 2.0


@dataclass(frozen=True)
class Plot:
    """A plot: its id on the page, its caption, what it shows in a sentence, its height, and its values as a table."""

    id: str
    caption: str
    alternative: str
    height: int
    item: dict[str, Any]
    columns: list[str]
    # The artifact that the values are from.
    source: str
    rows: list[list[Any]] = field(default_factory=list)


def library() -> tuple[str, bytes]:
    """Return the name and the bytes of Bokeh's JavaScript."""
    return f"bokeh-{__version__}.min.js", _library()


@cache
def _library() -> bytes:
    return Path(bokehjs_path(), "js", "bokeh.min.js").read_bytes()


def _figure(height: int, **settings: Any) -> Any:  # noqa: ANN401 - Bokeh's own types are properties
    drawn = figure(
        height=height,
        sizing_mode="stretch_width",
        toolbar_location=None,
        tools="",
        title=None,
        background_fill_alpha=0,
        border_fill_alpha=0,
        outline_line_color=None,
        min_border_right=16,
        **settings,
    )
    drawn.grid.grid_line_color = RULE
    drawn.ygrid.grid_line_color = None
    for axis in (*drawn.xaxis, *drawn.yaxis):
        axis.axis_line_color = RULE
        axis.major_tick_line_color = RULE
        axis.minor_tick_line_color = None
        axis.major_label_text_color = MUTED
        axis.major_label_text_font = FONT
        axis.major_label_text_font_size = "12px"
        axis.axis_label_text_color = MUTED
        axis.axis_label_text_font = FONT
        axis.axis_label_text_font_style = "normal"
        axis.axis_label_text_font_size = "12px"
    return drawn


def _item(drawn: Any) -> dict[str, Any]:  # noqa: ANN401 - a figure
    # As bokeh.embed.json_item does, which makes ready for further use what is used once.
    document = Document(title="")
    document.add_root(drawn)
    return {"target_id": None, "root_id": drawn.id, "doc": document.to_json(deferred=False), "version": __version__}


def _add(drawn: Any, source: ColumnDataSource, glyph: Any, **values: Any) -> Any:  # noqa: ANN401 - as _figure
    """Add a glyph of a kind. The figure's own methods add three more, for what is selected and what is not."""
    return drawn.add_glyph(source, glyph(**values))


def _both(color: str) -> dict[str, str]:
    return {"fill_color": color, "line_color": color}


def _hover(
    drawn: Any,  # noqa: ANN401 - a figure
    renderers: list[Any],
    tips: list[tuple[str, str]],
    mode: Literal["mouse", "vline"] = "mouse",
) -> None:
    drawn.add_tools(HoverTool(renderers=renderers, tooltips=tips, mode=mode))


def survival(chaos: dict[str, Any]) -> Plot:
    """Draw the share of survivors by type of faults, each with its one-sided 95 % interval, beside the floor."""
    found = [("all faults", chaos["survived"], chaos["pairs"], chaos["lower95"])]
    found += [(kind, each["survived"], each["pairs"], each["lower95"]) for kind, each in chaos["by_type"].items()]
    names = [name for name, *_ in found]
    data = ColumnDataSource(
        {
            "name": names,
            "share": [good / pairs for _, good, pairs, _ in found],
            "lower": [lower for *_, lower in found],
            "one": [1.0] * len(found),
            "words": [f"{good} of {pairs}" for _, good, pairs, _ in found],
        }
    )
    height = 90 + 34 * len(found)
    start = min(0.8, chaos["floor"], *(lower for *_, lower in found)) - 0.02
    drawn = _figure(height, y_range=names[::-1], x_range=(max(0.0, start), 1.005), x_axis_label="share that survived")
    drawn.xaxis.formatter = NumeralTickFormatter(format="0 %")
    drawn.add_layout(
        Span(location=chaos["floor"], dimension="height", line_color=FAIL, line_dash="dashed", line_width=1)
    )
    _add(drawn, data, HBar, y="name", left="lower", right="one", height=0.28, **_both(SOFT))
    dots = _add(drawn, data, Scatter, x="share", y="name", size=10, **_both(LINE))
    _hover(drawn, [dots], [("survived", "@words"), ("at least", "@lower{0.0 %}")])
    return Plot(
        "plot-survival",
        f"Survival by type of fault: the dot is the share of (test, seed) pairs, the bar its one-sided 95 % interval, the dashed line the floor of {chaos['floor']:.0%}.",
        "; ".join(f"{name}: {good} of {pairs} survived, at least {lower:.1%}" for name, good, pairs, lower in found),
        height,
        _item(drawn),
        ["Faults", "Survived", "Pairs", "Share", "At least (95 %)"],
        SEEDS,
        [[name, good, pairs, f"{good / pairs:.1%}", f"{lower:.1%}"] for name, good, pairs, lower in found],
    )


def leaves(number: int, experiment: dict[str, Any]) -> Plot:
    """Draw what became of the leaves of one experiment as one bar."""
    counts = experiment["counts"]
    colors = {
        "identical": PASS,
        "within_tolerance": SOFT,
        "changed": FAIL,
        "missing": ATTENTION,
        "extra": LINE,
        "ignored": RULE,
    }
    shown = [name for name in colors if counts[name]]
    drawn = _figure(96, y_range=["leaves"], x_axis_label="values compared")
    drawn.yaxis.visible = False
    drawn.min_border_left = 16
    start = 0
    bars = []
    for name in shown:
        data = ColumnDataSource(
            {
                "y": ["leaves"],
                "left": [start],
                "right": [start + counts[name]],
                "what": [name.replace("_", " ")],
                "n": [counts[name]],
            }
        )
        bars.append(_add(drawn, data, HBar, y="y", left="left", right="right", height=0.5, **_both(colors[name])))
        start += counts[name]
    drawn.x_range.start = 0
    _hover(drawn, bars, [("@what", "@n")])
    words = ", ".join(f"{counts[name]} {name.replace('_', ' ')}" for name in shown)
    return Plot(
        f"plot-leaves-{number}",
        f"What became of the values of {experiment['name']}.",
        words,
        96,
        _item(drawn),
        ["Verdict", "Values"],
        experiment["source"],
        [[name.replace("_", " "), counts[name]] for name in shown],
    )


def excess(number: int, experiment: dict[str, Any], most: int = 40) -> Plot | None:
    """Draw how far off the numbers are, in accepted differences; None where none is beyond."""
    found = [each for each in experiment.get("findings", []) if each.get("excess")][:most]
    if not found:
        return None
    ranks = list(range(1, len(found) + 1))
    data = ColumnDataSource(
        {
            "rank": ranks,
            "excess": [each["excess"] for each in found],
            "one": [1.0] * len(found),
            "path": [each["path"][:120] for each in found],
            "values": [f"{each.get('baseline')} → {each.get('current')}" for each in found],
        }
    )
    drawn = _figure(
        220, y_axis_type="log", x_axis_label="findings, the furthest off first", y_axis_label="accepted differences"
    )
    drawn.ygrid.grid_line_color = RULE
    drawn.add_layout(Span(location=1, dimension="width", line_color=FAIL, line_dash="dashed", line_width=1))
    _add(drawn, data, Segment, x0="rank", x1="rank", y0="one", y1="excess", line_color=SOFT)
    dots = _add(drawn, data, Scatter, x="rank", y="excess", size=7, **_both(FAIL))
    _hover(drawn, [dots], [("path", "@path"), ("value", "@values"), ("accepted differences", "@excess")])
    return Plot(
        f"plot-excess-{number}",
        f"How far the numbers of {experiment['name']} are off, as multiples of the accepted difference (dashed).",
        f"{len(found)} numbers are beyond their tolerance; the furthest by {found[0]['excess']:.3g} times what is accepted, {found[0]['path'][:120]}",
        220,
        _item(drawn),
        ["Path", "Baseline", "Current", "Accepted differences"],
        experiment["source"],
        [[each["path"], each.get("baseline"), each.get("current"), f"{each['excess']:.3g}"] for each in found],
    )


def _middle(values: Sequence[float]) -> tuple[float, float]:
    """Return the median of the values, and one deviation of their noise (of neighbours' differences)."""
    ordered = sorted(values)
    steps = sorted(abs(after - before) for before, after in pairwise(values))
    median = ordered[len(ordered) // 2]
    # The estimate of cloche.regression.drift, which a change of level hardly touches.
    return median, 1.4826 * steps[len(steps) // 2] / 2**0.5 if steps else 0.0


def series(number: int, each: dict[str, Any], shifts: list[dict[str, Any]]) -> Plot:
    """Draw one number of an experiment over revisions, with the band of its noise and its changes of level."""
    points = [point for point in each["points"] if point["value"] is not None]
    here = {
        shift["at"]: shift
        for shift in shifts
        if shift["path"] == each["path"] and shift["experiment"] == each["experiment"]
    }
    name = f"{each['experiment']}: {each['path']}"
    words = _course(points, "results", here)
    return _trend(
        f"plot-series-{number}", f"{name} over {len(points)} results.", words, points, list(here), each["path"]
    )


def trend(number: int, each: dict[str, Any], shifts: list[dict[str, Any]]) -> Plot:
    """Draw what one case of a benchmark cost over revisions, with the band of its noise and its changes of level."""
    keys = ("benchmark", "unit", "case")
    here = {shift["at"]: shift for shift in shifts if all(shift[key] == each[key] for key in keys)}
    points = each["points"]
    caption = f"{each['case']}: {each['unit']} over {len(points)} measurements."
    words = _course(points, "measurements", here)
    return _trend(f"plot-trend-{number}", caption, words, points, list(here), each["unit"])


def _course(points: list[dict[str, Any]], what: str, shifts: dict[str, dict[str, Any]]) -> str:
    """Return in words where values began and ended, and their changes of level."""
    words = f"{len(points)} {what}"
    if points:
        words += f", from {points[0]['value']:g} to {points[-1]['value']:g}"
    return words + "".join(
        f"; {shift['direction']} from {shift['before']} to {shift['after']} on {at[:10]}"
        for at, shift in shifts.items()
    )


def _short(label: str, most: int = 24) -> str:
    return label if len(label) <= most else f"…{label[1 - most :]}"


def _trend(  # noqa: PLR0913, PLR0917 - what a plot is made of
    name: str, caption: str, words: str, points: list[dict[str, Any]], moved: list[str], label: str
) -> Plot:
    values = [float(point["value"]) for point in points]
    places = list(range(1, len(values) + 1))
    drawn = _figure(190, x_axis_label="revisions, the oldest first", y_axis_label=_short(label))
    drawn.ygrid.grid_line_color = RULE
    if values:
        median, noise = _middle(values)
        if noise:
            drawn.add_layout(
                BoxAnnotation(
                    bottom=median - BAND_WIDTH * noise,
                    top=median + BAND_WIDTH * noise,
                    fill_color=BAND,
                    fill_alpha=1,
                    line_color=None,
                    level="underlay",
                )
            )
    data = ColumnDataSource(
        {
            "place": places,
            "value": values,
            "commit": [(point["commit"] or "no commit")[:12] for point in points],
            "at": [point["at"] for point in points],
        }
    )
    shown = [_add(drawn, data, Line, x="place", y="value", line_color=LINE, line_width=1.4)]
    if len(values) <= DOTS:
        shown.append(_add(drawn, data, Scatter, x="place", y="value", size=5, **_both(LINE)))
    for place, point in zip(places, points, strict=True):
        if point["at"] in moved:
            drawn.add_layout(
                Span(location=place - 0.5, dimension="height", line_color=ATTENTION, line_dash="dashed", line_width=1)
            )
    _hover(drawn, shown[-1:], [("value", "@value"), ("commit", "@commit"), ("at", "@at")], "vline")
    return Plot(
        name,
        caption
        + (" The band is two deviations of its noise about the median." if values else "")
        + (" Dashed: a change of level." if moved else ""),
        words,
        190,
        _item(drawn),
        ["Commit", "At", "Value"],
        HISTORY,
        [
            [(point["commit"] or "")[:12], point["at"], f"{value:.6g}"]
            for point, value in zip(points, values, strict=True)
        ],
    )


def suite(history: list[dict[str, Any]]) -> list[Plot]:
    """Draw how many tests failed over revisions, and how long the suite took."""
    places = list(range(1, len(history) + 1))
    data = ColumnDataSource(
        {
            "place": places,
            **{name: [each[name] for each in history] for name in ("passed", "failed", "skipped")},
            "commit": [(each["commit"] or "no commit")[:12] for each in history],
            "at": [each["at"] for each in history],
        }
    )
    drawn = _figure(190, x_axis_label="revisions, the oldest first", y_axis_label="tests that failed")
    drawn.ygrid.grid_line_color = RULE
    drawn.y_range.start = 0
    if not any(each["failed"] for each in history):
        drawn.y_range.end = 1
        drawn.yaxis.ticker = FixedTicker(ticks=[0, 1])
    bars = _add(drawn, data, VBar, x="place", top="failed", width=0.8, **_both(FAIL))
    _hover(drawn, [bars], [("failed", "@failed"), ("passed", "@passed"), ("commit", "@commit"), ("at", "@at")], "vline")
    red = sum(each["failed"] > 0 for each in history)
    found = [
        Plot(
            "plot-failures",
            f"Tests that failed in the latest {len(history)} runs.",
            f"in {red} of {len(history)} runs at least one test failed; {history[-1]['failed']} in the latest",
            190,
            _item(drawn),
            ["Commit", "At", "Passed", "Failed", "Skipped"],
            HISTORY,
            [
                [(each["commit"] or "")[:12], each["at"], each["passed"], each["failed"], each["skipped"]]
                for each in history
            ],
        )
    ]
    timed = [each for each in history if each["seconds"] is not None]
    if timed:
        points = [{"commit": each["commit"], "at": each["at"], "value": each["seconds"]} for each in timed]
        words = f"{len(timed)} runs, the latest {timed[-1]['seconds']:.1f} s"
        found.append(_trend("plot-suite-time", "Seconds of all tests of a run together.", words, points, [], "seconds"))
    return found


def performance(number: int, benchmark: dict[str, Any]) -> Plot | None:
    """Draw the change of wall time of each case with its interval, in the band of the noise; None where none was timed."""
    cases = [each for each in benchmark["cases"] if each["time"] is not None and each["time"]["change"] is not None]
    if not cases:
        return None
    names = [f"{place}. {each['name'][-60:]}" for place, each in enumerate(cases, start=1)]
    gate = benchmark["gates"].get("time", 0.05)
    height = 90 + 34 * len(cases)
    drawn = _figure(height, y_range=names[::-1], x_axis_label="change of wall time (right: slower)")
    drawn.xaxis.formatter = NumeralTickFormatter(format="+0.0 %")
    timed = [each["time"] for each in cases]
    data = ColumnDataSource(
        {
            "name": names,
            "change": [each["change"] for each in timed],
            "low": [(each["interval"] or [each["change"]])[0] for each in timed],
            "high": [(each["interval"] or [each["change"]])[-1] for each in timed],
            "noise": [each["noise"] or 0.0 for each in timed],
            "less": [-(each["noise"] or 0.0) for each in timed],
            "verdict": [each["verdict"] for each in timed],
        }
    )
    for place in (-gate, gate):
        drawn.add_layout(
            Span(location=place, dimension="height", line_color=ATTENTION, line_dash="dashed", line_width=1)
        )
    drawn.add_layout(Span(location=0, dimension="height", line_color=RULE, line_width=1))
    _add(drawn, data, HBar, y="name", left="less", right="noise", height=0.6, **_both(BAND))
    _add(drawn, data, Segment, x0="low", x1="high", y0="name", y1="name", line_color=LINE, line_width=2)
    dots = _add(drawn, data, Scatter, x="change", y="name", size=9, **_both(LINE))
    _hover(drawn, [dots], [("change", "@change{+0.0 %}"), ("verdict", "@verdict"), ("noise", "@noise{0.0 %}")])
    words = "; ".join(f"{each['name']}: {each['time']['change']:+.1%}, {each['time']['verdict']}" for each in cases)
    return Plot(
        f"plot-performance-{number}",
        f"Change of wall time of {benchmark['name']}: dot and line are the change and its interval, the band is the noise of the base against itself, dashed the smallest effect of interest.",
        words,
        height,
        _item(drawn),
        ["Case", "Change", "Interval", "Noise", "Verdict"],
        benchmark["source"],
        [
            [
                each["name"],
                f"{each['time']['change']:+.1%}",
                ""
                if each["time"]["interval"] is None
                else " to ".join(f"{end:+.1%}" for end in each["time"]["interval"]),
                "" if each["time"]["noise"] is None else f"{each['time']['noise']:.1%}",
                each["time"]["verdict"],
            ]
            for each in cases
        ],
    )
