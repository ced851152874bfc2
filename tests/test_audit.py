"""The audit in a consumer's flake, with pinned advisories; and the command line on real records."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from conftest import ROOT, run
from flakes import SYSTEM, cloche, write

DATA = Path(os.environ.get("CLOCHE_DATA") or ROOT.parent / "shared/data", "advisories")
CONFIGURATION = """{ self, ... }:
{
  cloche = {
    src = ./.;
    sbom.enable = true;
    audit = {
      enable = true;
      advisories = self.inputs.advisories + "/vulns";
      date = "2026-06-01";
      ceiling = "medium";
      %s
    };
  };
}
"""
IGNORE = 'ignore = [ { id = "CVE-2026-1"; reason = "only at home"; expires = "2026-06-30"; } ];'
RECORD = {
    "id": "PYSEC-2026-1",
    "aliases": ["CVE-2026-1"],
    "modified": "2026-05-20T00:00:00Z",
    "summary": "A made-up fault of numpy",
    "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}],
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "NumPy"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99"}]}],
        }
    ],
}


@pytest.fixture
def audited(consumer: Path, tmp_path: Path) -> Path:
    """Return the example as a consumer with advisories as a pinned input that is no flake."""
    advisories = tmp_path / "advisories"
    (advisories / "vulns/numpy").mkdir(parents=True)
    (advisories / "vulns/numpy/one.json").write_text(json.dumps(RECORD))
    flake = (consumer / "flake.nix").read_text()
    flake = flake.replace(
        "outputs =", f'inputs.advisories = {{ url = "path:{advisories}"; flake = false; }};\n  outputs ='
    )
    flake = flake.replace("{ self, cloche }", "{ self, cloche, ... }")
    return write(consumer, {"flake.nix": flake, "cloche.nix": CONFIGURATION % ""})


def test_a_finding_fails_the_check_until_it_is_ignored_for_a_reason(audited: Path) -> None:
    ended = cloche("build", "--no-link", "-L", f".#checks.{SYSTEM}.audit", cwd=audited)
    assert ended.code == 1
    assert "fails: numpy " in ended.err
    assert "CVE-2026-1, PYSEC-2026-1 (high 7.5)" in ended.err
    assert "severity high, above medium; affected: introduced 0, fixed 99; fixed in 99" in ended.err
    # The report is there all the same.
    ended = cloche("build", "--no-link", "--print-out-paths", f".#checks.{SYSTEM}.audit.report", cwd=audited)
    assert ended.code == 0, ended.err
    report = json.loads(cloche("store", "cat", f"{ended.out.strip()}/report.json", cwd=audited).out)
    assert (report["verdict"], report["audited"]) == ("fails", 21)
    assert any(entry["reason"] == "no advisory of the feed is about Debian:12" for entry in report["not-audited"])

    write(audited, {"cloche.nix": CONFIGURATION % IGNORE})
    ended = cloche("build", "--no-link", "--print-out-paths", f".#checks.{SYSTEM}.audit", cwd=audited)
    assert ended.code == 0, ended.err
    assert "ignored: numpy " in cloche("store", "cat", ended.out.strip(), cwd=audited).out

    # The app judges by another day: the ignore has expired then, and the advisories are too old.
    ended = cloche("run", ".#audit", "--", "--today", "2026-07-01", cwd=audited)
    assert ended.code == 1
    assert "its ignore expired on 2026-06-30" in ended.out
    assert "the newest advisory is of 2026-05-20, 42 days before 2026-07-01; at most 30 are allowed" in ended.out
    ended = cloche("run", ".#audit", "--", "--today", "2026-06-01", cwd=audited)
    assert ended.code == 0, ended.out


def test_a_day_in_the_past_is_refused(audited: Path) -> None:
    ended = cloche("run", ".#audit", "--", "--today", "2026-01-01", cwd=audited)
    assert ended.code == 2
    assert ended.out == ""
    assert "the audit's day is 2026-01-01, but the newest advisory is of 2026-05-20" in ended.err


@pytest.mark.skipif(not DATA.is_dir(), reason=f"there are no real advisories at {DATA}; CLOCHE_DATA names their folder")
def test_real_records(tmp_path: Path) -> None:
    def listed(name: str, version: str) -> dict[str, str]:
        return {"bom-ref": f"{name}@{version}", "name": name, "version": version, "purl": f"pkg:pypi/{name}@{version}"}

    components = [listed("idna", "3.6"), listed("idna", "3.7"), listed("urllib3", "1.26.4"), listed("numpy", "2.4.6")]
    sbom = tmp_path / "sbom.cdx.json"
    sbom.write_text(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components}))
    words = ["audit", "--sbom", str(sbom), "--advisories", str(DATA), "--today", "2024-08-01", "--json"]
    ended = cloche("run", ".#cloche", "--", *words, cwd=ROOT)
    assert ended.code == 1, ended.err
    report = json.loads(ended.out)
    assert report["feed"] == {
        "age-in-days": 21,
        "ecosystems": ["PyPI"],
        "newest": "2024-07-11",
        "records": 123,
        "withdrawn": 0,
    }
    found = sorted((entry["component"], entry["ids"][0], entry["severity"]) for entry in report["findings"])
    assert found == [
        ("idna@3.6", "CVE-2024-3651", "high"),
        ("urllib3@1.26.4", "CVE-2021-33503", "unknown"),
        ("urllib3@1.26.4", "CVE-2023-43804", "high"),
        ("urllib3@1.26.4", "CVE-2023-45803", "medium"),
    ]


VERSIONS = [
    "1.0",
    "1.0~rc1",
    "1.0~~",
    "1.0-1",
    "1.0-1+b1",
    "1.0a",
    "1.00",
    "1.0+dfsg",
    "2:0.1",
    "0",
    "1.0.0",
    "1.0~rc1-2",
    "1.10",
    "1.9",
    "1.0-1~deb12u1",
]


@pytest.mark.skipif(not shutil.which("dpkg"), reason="dpkg, which is asked how it sorts versions, is not on PATH")
def test_debian_versions_sort_as_dpkg_sorts_them() -> None:
    from cloche.audit.debian_version import key

    for one in VERSIONS:
        for other in VERSIONS:
            less = run("dpkg", "--compare-versions", one, "lt", other).code == 0
            assert (key(one) < key(other)) == less, (one, other)
