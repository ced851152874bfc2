"""Compare an experiment's result with its accepted baseline and store the comparison, whatever it says."""

import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Any

from cloche.errors import ClocheError
from cloche.regression import compare, report, rules
from cloche.results import readers


def differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return how the numeric platforms of two runs differ; versions of libraries are under test and no difference."""

    def of(platform: dict[str, Any]) -> dict[str, str]:
        numpy = platform["numpy"] or {"enabled": []}
        found = {
            "C library": str(platform["libc"]),
            "C library's functions": platform["libm"],
            "NumPy's processor features": ", ".join(numpy["enabled"]),
        }
        for name in ("kernel", "threads"):
            values = {f"{pool['implementation']} {pool[name]}" for pool in platform["pools"] if pool[name] is not None}
            found[f"{name} of BLAS and OpenMP"] = ", ".join(sorted(values))
        return found

    first, second = of(before), of(now)
    return [
        f"{name}: {first.get(name, 'none')} -> {second.get(name, 'none')}"
        for name in sorted(first.keys() | second.keys())
        if first.get(name) != second.get(name)
    ]


def not_accepted(baseline: Path, accepted: str | None, place: str, of: tuple[str, str]) -> str | None:
    """Return why a baseline is none that somebody accepted for an experiment and platform class, None if it is one."""
    about = Path(place).with_suffix(".accepted.json")
    if accepted is None:
        return (
            f"{place} is no accepted baseline: there is no {about} beside it; baselines are written by nix run .#accept"
        )
    data = json.loads(Path(accepted).read_text(encoding="utf-8"))
    if (data["experiment"], data["class"]) != of:
        return f"{place} is the baseline of {data['experiment']} for {data['class']}, and not of {of[0]} for {of[1]}; accept one: nix run .#accept -- {of[0]} --why '...'"
    digest = hashlib.sha256(baseline.read_bytes()).hexdigest()
    if data["sha256"] != digest:
        return f"{place} is not the baseline that {data['who']} accepted on {data['when']}: its sha256 is {digest}, and {about} has {data['sha256']}"
    return None


def judged(attributes: dict[str, Any], result: Path, now: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the comparison for programs and for people; what can't be compared is a verdict, too."""
    name, place = attributes["experiment"], attributes["place"]
    if attributes["baseline"] is None:
        text = f"there is no baseline for {now['class']} ({place}); look at the result, then accept it: nix run .#accept -- {name} --why '...'\n"
        return {"version": 1, "verdict": "incomparable", "reasons": ["there is no baseline"]}, text
    if fault := not_accepted(Path(attributes["baseline"]), attributes["accepted"], place, (name, now["class"])):
        return {"version": 1, "verdict": "incomparable", "reasons": [fault]}, f"{fault}\n"
    chosen = rules.of_data({"rule": attributes["rules"]}, f"cloche.regression.{name}.tolerances")
    waivers = rules.load(Path(attributes["waivers"])) if attributes["waivers"] else rules.Rules()
    both = rules.Rules(chosen.rules, waivers.waivers)
    try:
        found = compare.compare(
            readers.read(Path(attributes["baseline"])),
            readers.read(result),
            both,
            date.fromisoformat(attributes["day"]),
        )
    except ClocheError as error:
        return {
            "version": 1,
            "verdict": "incomparable",
            "reasons": [error.message.splitlines()[0]],
        }, f"{error.message}\n"
    data, text = report.as_data(found), report.as_text(found)
    before = json.loads(Path(attributes["accepted"]).read_text(encoding="utf-8"))["platform"]
    if found.verdict is compare.Verdict.REGRESSED and (moved := differences(before, now)):
        reasons = ["the results differ, and so does the numeric platform from that of the baseline", *moved]
        data["verdict"], data["reasons"] = "incomparable", [*reasons, *found.reasons]
        text += "incomparable: " + "\n  ".join(reasons) + "\n"
    return data, text


def main(attributes: dict[str, Any]) -> None:
    """Write comparison.json, comparison.txt and links to the result into attributes["outputs"]["out"]."""
    out, run = Path(attributes["outputs"]["out"]), Path(attributes["run"])
    result = run / f"result.{attributes['format']}"
    platform = json.loads((run / "platform.json").read_text(encoding="utf-8"))
    data, text = judged(attributes, result, platform)
    out.mkdir()
    data |= {"experiment": attributes["experiment"], "class": platform["class"], "place": attributes["place"]}
    (out / "comparison.json").write_text(json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    (out / "comparison.txt").write_text(text)
    (out / result.name).symlink_to(result)
    (out / "platform.json").symlink_to(run / "platform.json")
