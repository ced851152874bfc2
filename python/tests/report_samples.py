"""Artifacts of a made-up project, as the other capabilities write them; every text in them can be a hostile one."""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SHA = "0123456789abcdef" * 4
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="100" height="20"><title>fit</title><rect width="60" height="20"/></svg>\n'


def put(path: Path, value: object) -> Path:
    """Write JSON into a file whose folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


@dataclass
class Sample:
    """A project; `word` is part of every text that a stranger chose."""

    folder: Path
    word: str = "plain"
    outcomes: list[str] = field(default_factory=lambda: ["passed", "passed", "skipped"])

    def test(self, number: int) -> str:
        """Return the name of a test."""
        return f"tests.test_a::test_{number}[{self.word}]"

    def node(self, number: int) -> str:
        """Return its node id."""
        return f"tests/test_a.py::test_{number}[{self.word}]"

    def tests(self) -> list[str]:
        """Write packages.test-results with durations, and return the options."""
        entries = [
            {
                "test": self.test(number),
                "outcome": outcome,
                "message": "" if outcome == "passed" else f"why {self.word}",
            }
            for number, outcome in enumerate(self.outcomes)
        ]
        put(self.folder / "results/outcomes.json", {"version": 1, "counts": Counter(self.outcomes), "tests": entries})
        durations = {self.test(number): 0.25 * number for number in range(len(self.outcomes))}
        put(self.folder / "durations.json", durations)
        return [f"--tests={self.folder}/results", f"--durations={self.folder}/durations.json"]

    def selection(self) -> list[str]:
        """Write a selection: the first test runs, the others do not."""
        names = [f"tests/test_a.py::test_{number}" for number in range(len(self.outcomes))]
        data = {
            "version": 2,
            "everything": None,
            "empty": None,
            "known": len(names),
            "tests": [{"id": names[0], "reasons": [f"it ran {self.word}"], "probability": None}],
            "left_out": [{"id": name, "reason": "cannot reach the change", "probability": None} for name in names[1:]],
            "changes": [f"a.py: f {self.word}"],
            "notes": [f"note {self.word}"],
            "seconds": {"selected": 1.0, "all": 4.0},
            "recall": {"value": 0.96, "low": 0.91, "high": 0.99},
        }
        return [f"--selection={put(self.folder / 'selection.json', data)}"]

    def chaos(self, seeds: tuple[int, ...] = (1, 2)) -> list[str]:
        """Write a recording for each seed; with the last one the first test fails."""
        words = []
        for seed in seeds:
            tests = [
                {
                    "test": self.node(number),
                    "outcome": "failed" if (number, seed) == (0, seeds[-1]) else "survived",
                    "message": f"boom {self.word}",
                    "marker": None,
                    "unasserted": False,
                    "replay": f"pytest --chaos --chaos-seed={seed} '{self.word}'",
                    "fired": [{"operation": "open", "fault": "EIO", "at": f"a.py:{self.word}", "type": "filesystem"}],
                }
                for number in range(len(self.outcomes))
            ]
            folder = self.folder / f"chaos-{seed}"
            put(
                folder / "chaos.json",
                {"version": 1, "settings": {"seed": seed}, "counts": {"survived": 2}, "tests": tests},
            )
            words.append(f"--chaos={folder}")
        return words

    def regression(self) -> list[str]:
        """Write two experiments: one that is worse, and one without a baseline."""
        finding = {
            "kind": "number",
            "path": f"error.{self.word}",
            "baseline": 1.0,
            "current": 1.5,
            "distance": 0.5,
            "tolerance": 1e-3,
            "rule": f"default {self.word}",
        }
        comparison = {
            "version": 1,
            "experiment": "search",
            "class": "x86-64-v2",
            "place": f"tests/{self.word}.json",
            "verdict": "regressed",
            "reasons": [f"1 number differs {self.word}"],
            "compared": 12,
            "identical": 10,
            "within_tolerance": 1,
            "changed": 1,
            "missing": 0,
            "extra": 0,
            "ignored": {"baseline": 2, "current": 2},
            "findings": [finding],
            "distributions": [],
            "unused": [f"rule {self.word}"],
            "expired": [],
        }
        put(self.folder / "regression/search/comparison.json", comparison)
        put(self.folder / "regression/search/result.json", {"error": 1.5})
        nothing = {name: comparison[name] for name in ("version", "class", "place")}
        nothing |= {"experiment": "new", "verdict": "incomparable", "reasons": ["there is no baseline"]}
        put(self.folder / "regression/new/comparison.json", nothing)
        return [f"--regression={self.folder}/regression"]

    def performance(self) -> list[str]:
        """Write a benchmark that is slower, and a profile with its flame graph."""
        case = {
            "name": f"test_fit {self.word}",
            "verdict": "slower",
            "reasons": [f"5 % more {self.word}"],
            "instructions": {
                "verdict": "slower",
                "base": 1000.0,
                "head": 1050.0,
                "change": 0.05,
                "repeatability": 0.0001,
                "calls": 20,
                "counts": {"base": [1000.0], "head": [1050.0]},
            },
            "time": {
                "verdict": "inconclusive",
                "base": 0.01,
                "head": 0.011,
                "change": 0.03,
                "interval": [-0.01, 0.07],
                "noise": 0.03,
                "runs": {"base": [0.01], "again": [0.01], "head": [0.011]},
            },
        }
        data = {
            "version": 1,
            "benchmark": "fit",
            "compared": True,
            "revisions": {"base": "0123abc", "head": None},
            "verdict": "slower",
            "gates": {"instructions": 0.01, "time": 0.05, "runs": 5, "confidence": 0.95},
            "cases": [case],
        }
        put(self.folder / "performance/fit/performance.json", data)
        function = {"function": f"fit {self.word}", "file": "a.py", "own": 0.6, "total": 0.7}
        profile = {
            "version": 1,
            "profile": f"search {self.word}",
            "kind": "experiment",
            "verdict": "enough samples",
            "floor": 200,
            "samples": 812,
            "seconds": 8.1,
            "shares": {"work": 0.6, "import": 0.4},
            "functions": [function],
            "changes": [{"function": "fit", "file": "a.py", "base": 0.3, "head": 0.6, "change": 0.3}],
        }
        put(self.folder / "profile/search/profile.json", profile)
        (self.folder / "profile/search/flamegraph.svg").write_text(SVG)
        return [f"--performance={self.folder}/performance", f"--profile={self.folder}/profile"]

    def commands(self) -> list[str]:
        """Write what the checks of lint and types recorded: the first passed, of the other one command did not."""
        words = []
        for name, codes in (("lint", [0]), ("types", [0, 1])):
            recorded = [
                {"command": f"{name} {self.word}", "code": code, "output": f"said {self.word}"} for code in codes
            ]
            put(self.folder / name / "commands.json", {"version": 1, "commands": recorded})
            words.append(f"--{name}={self.folder}/{name}")
        return words

    def components(self) -> list[str]:
        """Write an SBOM and its audit."""
        component = {
            "bom-ref": f"pkg:pypi/a@{self.word}",
            "name": f"a {self.word}",
            "version": f"1 {self.word}",
            "purl": "pkg:pypi/a@1",
            "licenses": [{"license": {"name": f"my licence {self.word}"}}],
            "hashes": [{"alg": "SHA-256", "content": SHA}],
        }
        other = {"bom-ref": "b", "name": "b", "licenses": [{"expression": "MIT"}]}
        bom = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [component, other]}
        put(self.folder / "sbom/sbom.cdx.json", bom)
        finding = {
            "component": component["bom-ref"],
            "name": f"a {self.word}",
            "version": "1",
            "ids": [f"CVE {self.word}"],
            "severity": "high",
            "score": 7.5,
            "vector": None,
            "affected": f"all {self.word}",
            "fixed": ["2"],
            "verdict": "fails",
            "reason": f"severity high {self.word}",
        }
        audit = {
            "version": 1,
            "verdict": "fails",
            "reasons": [f"a 1: CVE {self.word}"],
            "day": "2026-06-01",
            "feed": {"newest": "2026-05-20", "records": 4, "ecosystems": ["PyPI"]},
            "audited": 1,
            "findings": [finding],
            "not-audited": [{"component": "b", "reason": "it has no package URL"}],
            "denied-licenses": [{"component": f"c {self.word}", "denied": f"GPL {self.word}"}],
        }
        return [f"--sbom={self.folder}/sbom", f"--audit={put(self.folder / 'audit.json', audit)}"]

    def provenance(self) -> list[str]:
        """Write the statements about one output."""
        digest = {"sha256": SHA}
        materials: list[dict[str, Any]] = [
            {"annotations": {"kind": "source"}, "digest": {**digest, "gitCommit": "a" * 40}, "name": "source"},
            {"annotations": {"kind": "lock"}, "digest": digest, "name": f"cloche.lock {self.word}"},
            {"annotations": {"kind": "fixed-output"}, "digest": digest, "uri": "pkg:pypi/a@1"},
        ]
        predicate = {
            "buildDefinition": {
                "buildType": "https://cloche.example/build-types/nix-flake/v1",
                "externalParameters": {"attribute": "default", "flake": f"git+{self.word}", "revision": "a" * 40},
                "internalParameters": {
                    "derivation": f"x-{self.word}.drv",
                    "system": "x86_64-linux",
                    "toolchain": "debian",
                },
                "resolvedDependencies": materials,
            },
            "runDetails": {"builder": {"id": f"https://example.org/{self.word}"}},
        }
        statement = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": f"a-1 {self.word}", "digest": digest}],
        }
        place = self.folder / "provenance/default"
        put(
            place / "provenance.json",
            {**statement, "predicateType": "https://slsa.dev/provenance/v1", "predicate": predicate},
        )
        result = {"result": "PASSED", "passedTests": ["t"], "warnedTests": [], "failedTests": []}
        put(place / "test-result.json", {**statement, "predicate": result})
        put(place / "sbom.json", {**statement, "predicate": {"components": [{}, {}]}})
        return [f"--provenance={self.folder}/provenance"]

    def reproduce(self) -> list[str]:
        """Write what `reproduce --json` printed: one output is the same, one is not."""
        differs = {
            "derivation": f"/nix/store/{'0' * 32}-a-{self.word}.drv",
            "state": "different",
            "causes": ["date"],
            "outputs": ["out"],
            "text": f"--- a\n+++ b\n{self.word}",
        }
        outputs = [
            {"attribute": "wheel", "derivation": "w.drv", "derivations": 6, "state": "identical", "findings": []},
            {
                "attribute": f"a {self.word}",
                "derivation": "a.drv",
                "derivations": 3,
                "state": "different",
                "findings": [differs],
            },
            {"attribute": "samples", "derivation": "s.drv", "derivations": 3, "state": "not compared", "findings": []},
        ]
        data = {"version": 2, "variations": ["date"], "notVaried": {"machine": f"none {self.word}"}, "outputs": outputs}
        return [f"--reproduce={put(self.folder / 'reproduce.json', data)}"]

    def history(self) -> list[str]:
        """Write a history of twelve revisions, in which a number moves."""
        moments = [f"2026-01-{day:02}T00:00:00Z" for day in range(1, 13)]
        data = {
            "version": 1,
            "project": "a",
            "revisions": [
                {
                    "commit": f"{day:040}",
                    "at": at,
                    "passed": 3,
                    "failed": int(day % 5 == 0),
                    "skipped": 0,
                    "seconds": 2.0 + day / 10,
                }
                for day, at in enumerate(moments)
            ],
            "tests": {self.test(0): [12, 3, 5]},
            "series": [
                {
                    "experiment": "search",
                    "class": "x86-64-v2",
                    "path": f"error.{self.word}",
                    "points": [{"commit": None, "at": at, "value": 1.0 + (day > 6)} for day, at in enumerate(moments)],
                },
                {
                    "experiment": "performance/fit",
                    "class": "seconds",
                    "path": f"test_fit {self.word}",
                    "points": [
                        {"commit": f"{day:040}", "at": at, "value": 0.01 + day % 3 / 1e4 + 0.01 * (day > 7)}
                        for day, at in enumerate(moments)
                    ],
                },
                # Of a benchmark that there is no more.
                {"experiment": "performance/gone", "class": "seconds", "path": "a", "points": []},
            ],
            "constant": [
                {"experiment": "search", "class": "x86-64-v2", "values": 11, "results": 12},
                {"experiment": "performance/fit", "class": "instructions", "values": 1, "results": 12},
            ],
            "shifts": [
                {
                    "experiment": "search",
                    "class": "x86-64-v2",
                    "path": f"error.{self.word}",
                    "direction": "rose",
                    "before": 1.0,
                    "after": 2.0,
                    "commit": None,
                    "at": moments[7],
                },
                {
                    "experiment": "performance/fit",
                    "class": "seconds",
                    "path": f"test_fit {self.word}",
                    "direction": "rose",
                    "before": 0.01,
                    "after": 0.02,
                    "commit": f"{8:040}",
                    "at": moments[8],
                },
            ],
        }
        return [f"--history={put(self.folder / 'history.json', data)}"]

    def everything(self) -> list[str]:
        """Write all artifacts and return the options that name them."""
        return [
            *[*self.tests(), *self.selection(), *self.commands(), *self.chaos(), *self.regression()],
            *[*self.performance(), *self.components(), *self.provenance(), *self.reproduce(), *self.history()],
        ]
