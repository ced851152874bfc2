"""Drift in the histories that the telemetry store has of experiments."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection

from cloche.errors import ClocheError
from cloche.regression.drift import FEWEST, Series, Shift, shifts
from cloche.telemetry.reports import iso
from cloche.telemetry.results import Point, histories


def no_history(project: str, experiment: str | None) -> ClocheError:
    """Return the error of a store without a result of what was asked for."""
    what = f"of the experiment {experiment!r} of {project!r}" if experiment else f"of an experiment of {project!r}"
    return ClocheError(
        f"the store has no result {what}; store results by `telemetry import`, with --commit and --at (docs/regression.md)"
    )


@dataclass(frozen=True)
class Placed:
    """A shift with its place: the value's path, and the points before and at it."""

    experiment: str
    platform: str
    path: str
    shift: Shift
    before: Point
    at: Point


@dataclass(frozen=True)
class Drift:
    """What was found: shifts, how many histories were read, the longest, and those too short to say anything of."""

    shifts: list[Placed]
    histories: int
    runs: int
    short: list[str]


def look(
    connection: Connection, *, project: str, experiment: str | None, platform: str | None, since: int | None
) -> Drift:
    """Return the shifts in the histories of a project's experiments, from a moment on where one is given."""
    read = {
        f"{name} {kind} {path}": (name, kind, path, points)
        for name, kind, path, points in histories(connection, project=project, experiment=experiment, platform=platform)
    }
    if not read:
        raise no_history(project, experiment)
    found = shifts([Series(key, np.array([point.value for point in each[3]])) for key, each in read.items()])
    placed = [
        Placed(*read[key][:3], shift, read[key][3][shift.index - 1], read[key][3][shift.index])
        for key, here in found.shifts.items()
        for shift in here
    ]
    chosen = [each for each in placed if since is None or each.at.at >= since]
    return Drift(chosen, len(read), max(len(each[3]) for each in read.values()), found.short)


def as_data(drift: Drift) -> dict[str, Any]:
    """Return what was found for programs."""

    def number(value: float) -> float | str:
        return value if math.isfinite(value) else str(value)

    return {
        "version": 1,
        "histories": drift.histories,
        "runs": drift.runs,
        "short": drift.short,
        "shifts": [
            {
                "experiment": each.experiment,
                "class": each.platform,
                "path": each.path,
                "direction": direction(each.shift),
                "before": number(each.shift.before),
                "after": number(each.shift.after),
                "noise": each.shift.noise,
                "commit": each.at.commit,
                "at": iso(each.at.at),
                "last_before": each.before.commit,
            }
            for each in drift.shifts
        ],
    }


def direction(shift: Shift) -> str:
    """Return where a level went."""
    if not (math.isfinite(shift.before) and math.isfinite(shift.after)):
        return "changed"
    return "rose" if shift.rose else "fell"


def as_text(drift: Drift) -> str:
    """Return what was found for a person."""
    lines = []
    for each in drift.shifts:
        size = (
            f", {abs(each.shift.after - each.shift.before) / each.shift.noise:.1f} deviations"
            if each.shift.noise
            else ""
        )
        commit = f"commit {each.at.commit[:12]}" if each.at.commit else "a result without a commit"
        lines.append(
            f"{each.experiment} ({each.platform}) {each.path}: {direction(each.shift)} from {each.shift.before:g} to "
            f"{each.shift.after:g} at {commit}, {iso(each.at.at)}{size}"
        )
    if drift.short:
        lines.append(
            f"{len(drift.short)} histories vary and have fewer than {FEWEST} runs: nothing can be said of them"
        )
    what = "1 change" if len(drift.shifts) == 1 else f"{len(drift.shifts)} changes"
    lines.append(f"{what} of level in {drift.histories} histories of up to {drift.runs} runs")
    return "\n".join(lines) + "\n"
