"""Print how often drift is found where there is none, and where a shift was planted, by simulation.

Usage: drift.py [REPETITIONS], in an environment with Cloche and its group regression. Each rate is one of histories: a
false alarm is any shift found in any series; a shift counts as found in its direction, within two runs of its place.
"""

import sys

import numpy as np

from cloche.regression.drift import Series, shifts

# A shift counts as found so many runs beside its place.
NEAR = 2


def alarms(length: int, series: int, repetitions: int, *, tails: bool) -> float:
    """Return the rate of histories of pure noise, normal or with heavy tails (Student's t, 4), in which a shift is found."""
    random = np.random.default_rng(length * series)
    found = 0
    for _ in range(repetitions):
        noise = random.standard_t(4, (series, length)) if tails else random.normal(size=(series, length))
        found += bool(shifts([Series(str(number), 5 + values) for number, values in enumerate(noise)]).shifts)
    return found / repetitions


def detections(length: int, after: int, size: float, repetitions: int) -> float:
    """Return the rate of found shifts of so many deviations, `after` runs before the end."""
    random = np.random.default_rng(length + after)
    found = 0
    for number in range(repetitions):
        values = 5 + random.normal(size=length)
        # Every second one is a drop.
        sign = 1 if number % 2 else -1
        values[-after:] += sign * size
        here = shifts([Series("a", values)]).shifts.get("a", [])
        found += any(abs(shift.index - (length - after)) <= NEAR and shift.rose == (sign > 0) for shift in here)
    return found / repetitions


def main() -> None:
    """Print the table."""
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    for series in (1, 20):
        for length in (10, 20, 50, 100):
            rates = [
                alarms(length, series, repetitions // (5 if series > 1 else 1), tails=tails) for tails in (False, True)
            ]
            print(
                f"false alarms, {series} series of {length} runs: {rates[0]:.3f}; heavy tails {rates[1]:.3f}",
                flush=True,
            )
    for length in (20, 50):
        for after in (2, 5, length // 2):
            found = [
                f"{size} deviations {detections(length, after, size, repetitions // 2):.2f}" for size in (2, 3, 4, 6)
            ]
            print(f"detections, {length} runs, {after} after the shift: {', '.join(found)}", flush=True)


if __name__ == "__main__":
    main()
