"""Where time is spent, by samples: the planted hot spot is first, imports are told apart, few samples say nothing."""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from cloche.profile import flame, judge, record, stacks
from cloche.profile.stacks import Frame

LIBRARY = "/build/side/lib/python3.11/site-packages"
START = 'process 7:"python -c \nimport a; b = 5\nprint(1)";'
MAIN = f"0x7f (libc.so.6);<module> ({LIBRARY}/fit/__main__.py:1);"
RAW = (
    f"{START}{MAIN}slow ({LIBRARY}/fit/core.py:9);dgemm (libopenblas.so) 60\n"
    f"{START}{MAIN}slow ({LIBRARY}/fit/core.py:9);svd ({LIBRARY}/numpy/linalg.py:4);gesdd (libopenblas.so) 20\n"
    f"{START}{MAIN}quick ({LIBRARY}/fit/core.py:1) 20\n"
    f"{START}{MAIN}_find_and_load (<frozen importlib._bootstrap>:1);_load_unlocked (<frozen importlib._bootstrap>:2);"
    f"<module> ({LIBRARY}/numpy/__init__.py:3) 300\n"
    f"{START}0x7f (libc.so.6);_start (python3.11) 5\n"
)
MODULES = ["fit/__main__.py", "fit/core.py"]


def recorded(folder: Path, **raw: str) -> Path:
    folder.mkdir()
    for side, text in raw.items():
        (folder / f"{side}.raw").write_text(text)
    data = {
        "version": 1,
        "profile": "fit",
        "kind": "experiment",
        "command": ["fit"],
        "rate": 100,
        "native": True,
        "seconds": dict.fromkeys(raw, 4.0),
        "modules": MODULES,
    }
    (folder / "record.json").write_text(json.dumps(data))
    return folder


def test_work_is_told_from_imports_and_start() -> None:
    found = stacks.read(RAW, MODULES)
    assert {kind: found.where(kind, test=False).total() for kind in judge.KINDS} == {
        "work": 100,
        "import": 300,
        "start": 5,
    }
    work = found.where("work", test=False)
    first, second, *_ = stacks.functions(work, project=False)
    assert (first.frame, first.own, first.total) == (Frame("slow", "fit/core.py", own=True), 60, 80)
    assert second.own == 20
    # With what it calls in libraries it has all of its time.
    assert [(each.frame.function, each.own) for each in stacks.functions(work, project=True)] == [
        ("slow", 80),
        ("quick", 20),
        ("<module>", 0),
    ]


def test_of_a_test_only_its_own_run_is_work() -> None:
    inner = f"{START}<module> ({LIBRARY}/pytest/__main__.py);"
    runs = f"{inner}runtestprotocol ({LIBRARY}/_pytest/runner.py);fit ({LIBRARY}/fit/core.py) 3\n"
    collects = f"{inner}collect ({LIBRARY}/_pytest/python.py) 4\n"
    child = f'{START}process 9:"git log";<module> ({LIBRARY}/fit/__main__.py) 5\n'
    found = stacks.read(runs + collects + child, MODULES)
    assert {kind: found.where(kind, test=True).total() for kind in judge.KINDS} == {"work": 8, "import": 0, "start": 4}
    assert "subprocess;<module> (fit/__main__.py) 5\n" in found.folded()


def test_few_samples_rank_nothing(tmp_path: Path) -> None:
    judge.profile(recorded(tmp_path / "in", head=RAW), tmp_path / "out", 101)
    data = json.loads((tmp_path / "out/profile.json").read_text())
    assert (data["verdict"], data["samples"], data["functions"], data["project"]) == ("not enough samples", 405, [], [])
    text = (tmp_path / "out/profile.txt").read_text()
    assert text == (
        "fit: 405 samples in 4.0 s (25 % work, 74 % import, 1 % start)\n"
        "  not enough samples: 100 of work, and 101 are the fewest that are ranked; sample a longer run, or raise cloche.profile.rate\n"
    )
    judge.profile(recorded(tmp_path / "in2", head=RAW), tmp_path / "out2", 100)
    assert json.loads((tmp_path / "out2/profile.json").read_text())["project"][0]["own"] == 0.8


def test_a_new_hot_spot_is_first_in_the_difference(tmp_path: Path) -> None:
    before = RAW.replace(" 60\n", " 2\n")
    judge.profile(recorded(tmp_path / "in", head=RAW, base=before), tmp_path / "out", 40)
    data = json.loads((tmp_path / "out/profile.json").read_text())
    first = data["changes"][0]
    assert (first["function"], first["seconds"]) == ("slow", {"base": 0.02, "head": 0.6})
    assert first["interval"][0] > 0.3
    assert data["base"]["samples"] == 347
    svg = ET.fromstring((tmp_path / "out/difference.svg").read_text())  # noqa: S314 - drawn here
    titles = {
        title.text: group
        for group in svg.iter("{http://www.w3.org/2000/svg}g")
        for title in group.iter("{http://www.w3.org/2000/svg}title")
    }
    grown = titles["dgemm (libopenblas.so): 60 samples, 14.8 %; base 0.6 %"]
    assert grown[1].get("fill", "").startswith("rgb(255,")
    # The same twice has no colour, and no change that is not zero.
    judge.profile(recorded(tmp_path / "same", head=RAW, base=RAW), tmp_path / "same-out", 40)
    again = ET.fromstring((tmp_path / "same-out/difference.svg").read_text())  # noqa: S314
    fills = {box.get("fill") for box in again.iter("{http://www.w3.org/2000/svg}rect")}
    assert fills == {"rgb(255,255,255)", "rgb(240,240,240)"}
    assert {each["change"] for each in json.loads((tmp_path / "same-out/profile.json").read_text())["changes"]} == {0.0}


def test_a_flame_graph_holds_every_sample_and_escapes_names() -> None:
    evil = stacks.read(f'{START}<script>alert(1)</script> ({LIBRARY}/a"&b.py) 10\n', MODULES)
    svg = flame.draw("a <b>", evil)
    assert "<script>" not in svg
    root = ET.fromstring(svg)  # noqa: S314
    texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}title")]
    assert texts == ["a <b>", "all: 10 samples, 100.0 %", '<script>alert(1)</script> (a"&b.py): 10 samples, 100.0 %']
    assert flame.draw("none", stacks.read("", MODULES)).startswith("<svg")


def test_the_slowest_tests_are_taken() -> None:
    durations = {"a": 0.5, "b": 3.0, "c": 2.0, "d": 1.0}
    assert record.slowest(durations, 2, 1.0) == ["b", "c"]
    assert record.slowest(durations, 9, 1.0) == ["b", "c", "d"]
    assert record.slowest(durations, 0, 1.0) == []


SPIN = """
import json
import time

def hot():
    spin(2.4)

def cool():
    start = time.perf_counter()
    while time.perf_counter() - start < 0.6:
        sum(range(500))

def spin(seconds):
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        sum(range(500))

cool()
hot()
"""


def test_the_sampler_finds_a_planted_hot_spot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recorder with the real sampler, on the Python that runs this test."""
    files, environment = tmp_path / "files", tmp_path / "environment/bin"
    for folder in (files, environment, tmp_path / "modules"):
        folder.mkdir(parents=True)
    (files / "spin.py").write_text(SPIN)
    (environment / "run-spin").symlink_to(sys.executable)
    monkeypatch.setenv("NIX_BUILD_TOP", str(tmp_path / "top"))
    (tmp_path / "top").mkdir()
    attributes = {
        "profile": "spin",
        "command": [sys.executable, "spin.py"],
        "result": "spin.py",
        "durations": None,
        "sides": {"head": str(environment.parent)},
        "modules": str(tmp_path / "modules"),
        "files": [str(files)],
        "variables": {},
        "programs": [],
        "rate": 100,
        "native": True,
        "outputs": {"out": str(tmp_path / "out")},
        "sampler": str(Path(sys.executable).parent / "py-spy"),
    }
    record.main(attributes)
    # The project's files are elsewhere than in a sandbox.
    monkeypatch.setattr(stacks, "PROJECT", f"{tmp_path}/top/project/")
    # A busy machine gives the sampler less time; how it is divided stays.
    judge.profile(tmp_path / "out/spin", tmp_path / "judged", 10)
    data = json.loads((tmp_path / "judged/profile.json").read_text())
    assert data["verdict"] == "enough samples"
    for table in ("functions", "project"):
        first = data[table][0]
        assert (first["function"], first["file"]) == ("spin", "spin.py")
        assert first["own"] > 0.5
    by_name = {each["function"]: each for each in data["project"]}
    assert by_name["hot"]["total"] > by_name["cool"]["total"]
    assert data["shares"]["work"] > 0.5


def test_a_program_that_fails_is_no_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIX_BUILD_TOP", str(tmp_path))
    (tmp_path / "files").mkdir()
    attributes = {
        "profile": "spin",
        "command": [sys.executable, "-c", "raise SystemExit(4)"],
        "result": "r.json",
        "durations": None,
        "sides": {"head": str(tmp_path / "none")},
        "modules": str(tmp_path / "files"),
        "files": [str(tmp_path / "files")],
        "variables": {},
        "programs": [],
        "rate": 100,
        "native": False,
        "outputs": {"out": str(tmp_path / "out")},
        "sampler": str(Path(sys.executable).parent / "py-spy"),
    }
    with pytest.raises(
        SystemExit, match=r"cloche.profile: the experiment spin wrote no r.json on the head; its last words:"
    ):
        record.main(attributes)
