"""`select-tests` with shadow runs, budgets and models, and `train`: in a real git checkout, with real pytest."""

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cloche.selection.impact import verb
from cloche.selection.impact.verdict import plain
from cloche.selection.learned import model as models
from cloche.selection.learned.observation import observe
from cloche.selection.learned.ranking import Question, rank
from cloche.selection.learned.rows import Row, read, write
from cloche.selection.learned.store import store_rows
from cloche.selection.learned.training import train
from cloche.telemetry.address import Address
from cloche.telemetry.store import opened
from conftest import Outcome
from test_impact import RATE, Checkout, recorded  # noqa: F401 - a fixture
from test_learn import rows as made_rows


@pytest.fixture
def checkout(recorded: Path, tmp_path: Path, run: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch) -> Checkout:  # noqa: F811
    """Return a fresh copy of the project with its map."""
    monkeypatch.delenv("CLOCHE_TELEMETRY", raising=False)
    shutil.copytree(recorded, tmp_path / "project")
    return Checkout(tmp_path / "project", run)


def answer_of(checkout: Checkout) -> verb.Answer:
    """Return what the impact layer says of the working tree."""
    return verb.answer(verb.Request(checkout.folder, None, None, checkout.folder / ".cloche/impact-map.json"), print)


def test_each_test_has_its_reason(checkout: Checkout) -> None:
    data = checkout.data()
    assert {each["reason"] for each in data["left_out"]} == {"unchanged input"}
    assert len(data["left_out"]) == 7
    checkout.replace("growth/rate.py", "return 3 * x", "return 4 * x")
    data = checkout.data()
    assert [each["id"] for each in data["tests"]] == ["tests/test_rate.py::test_triple"]
    assert {each["reason"] for each in data["left_out"]} == {"cannot reach the change"}
    err = checkout.select("--explain").err
    assert "left out tests/test_table.py::test_alone: cannot reach the change\n" in err


def test_tests_that_mention_what_changed_are_told_apart(checkout: Checkout) -> None:
    """Also those in files that did not change, which the selection itself need not parse."""
    checkout.replace("growth/rate.py", "return 3 * x", "return 4 * x")
    seen = observe(answer_of(checkout), {})
    assert [seen.tests[number] for number in seen.pairs["mentions"]] == ["tests/test_rate.py::test_triple"]
    assert [seen.tests[number] for number in seen.pairs["name_match"]] == ["tests/test_rate.py::test_triple"]


def test_run_is_a_shadow_run_until_enough_was_seen(checkout: Checkout) -> None:
    checkout.replace("growth/rate.py", "return 3 * x", "return 4 * x")
    ended = checkout.select("--run", "--shadow-runs", "1", "--", "-q")
    assert (
        "shadow: 0 of 1 runs with failures seen, so everything runs; --shadow-runs 0 trusts the selection\n"
        in ended.err
    )
    assert "1 failed, 7 passed" in ended.err
    # One was seen now, so only the selection runs.
    ended = checkout.select("--run", "--shadow-runs", "1", "--", "-q")
    assert "1 failed in" in ended.err
    assert "passed" not in ended.err
    stats = checkout.run("telemetry", "stats", "--store", str(checkout.folder / ".cloche/telemetry.sqlite"))
    assert (
        ": 1 shadow runs of select-tests, 1 with failures, of which the selection would have missed some in 0, all in 0\n"
        in stats.out
    )


def test_misses_beyond_the_recall_are_no_trust(checkout: Checkout) -> None:
    checkout.replace("growth/rate.py", "return 3 * x", "return 4 * x")
    path = checkout.folder / ".cloche/impact-map.json"
    data = json.loads(path.read_text())
    data["functions"]["growth/rate.py::triple"]["tests"] = []
    path.write_text(json.dumps(data))
    checkout.select("--shadow")
    ended = checkout.select("--run", "--shadow-runs", "1", "--", "-q")
    assert (
        "shadow: 1 of 1 changes with failures would have been missed, more than a recall of 95% allows, so everything runs\n"
        in ended.err
    )


def test_a_run_that_breaks_off_is_not_kept(checkout: Checkout) -> None:
    ended = checkout.select("--shadow", "--", "--no-such-option")
    assert ended.code == 4
    assert "shadow: pytest ended with 4, so this run tells nothing of the selection and is not kept\n" in ended.err


def test_the_budget_cuts_off_with_a_reason_and_rules_hold(checkout: Checkout) -> None:
    checkout.replace("growth/rate.py", "n = START", "n = START + 0")
    checkout.replace("growth/rate.py", "LIMIT = 100", "LIMIT = 101")
    ended = checkout.select("--budget", "1s")
    assert "no durations are known, so the budget cuts nothing off\n" in ended.err
    answer = answer_of(checkout)
    known = observe(answer, dict.fromkeys(answer.evidence.there if answer.evidence else (), 1.0))
    store = Address(checkout.folder / ".cloche/telemetry.sqlite")
    with opened(store, create=True) as engine:
        assert store_rows(engine, [Row("growth", "real", 1, known, [])], store) == 1
    data = checkout.data("--budget", "0.000001s")
    assert data["tests"] == []
    cut = {each["id"]: each["reason"] for each in data["left_out"]}
    assert cut["tests/test_rate.py::test_counter"].startswith("past the budget of 1e-06 s; ran ")
    assert data["empty"].startswith("2 tests can reach the 2 changes since ")
    empty = checkout.select("--budget", "0.000001s")
    assert (empty.code, empty.out) == (5, "")
    # A new test is past no budget.
    checkout.write("tests/test_new.py", "def test_new():\n    pass\n")
    data = checkout.data("--budget", "0.000001s")
    assert [each["id"] for each in data["tests"]] == ["tests/test_new.py"]
    assert data["tests"][0]["reasons"][0].startswith("always-run rule: new: ")


def test_without_the_libraries_it_says_so(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cloche.selection.learned.session", None)
    ended = checkout.select("--budget", "60s")
    assert ended.code == 3
    assert ended.err == (
        "error: models, budgets and shadow runs need libraries that are not here (cloche.selection.learned.session): install Cloche's groups "
        "learn and\ntelemetry, or take nix run .#select-tests; --run --shadow-runs 0 needs none of them\n"
    )
    assert checkout.select("--allow-empty").code == 0


@pytest.mark.parametrize("budget", ["fast", "0s", "-1", "1d"])
def test_a_budget_that_is_none(checkout: Checkout, budget: str) -> None:
    ended = checkout.select("--budget", budget)
    assert ended.code == 2
    assert f"{budget!r} is no time, such as 60s, 5m or 1h" in ended.err


def test_a_model_that_is_none_ends_with_2(checkout: Checkout, tmp_path: Path) -> None:
    ended = checkout.select("--model", str(tmp_path / "nothing"))
    assert ended.code == 2
    assert ended.err == (
        f"error: {tmp_path / 'nothing'} is refused as a model: its file 'current', which names the model, cannot be read\n"
    )


def test_a_store_without_names_keeps_no_changes(checkout: Checkout) -> None:
    store = str(checkout.folder / ".cloche/telemetry.sqlite")
    report = checkout.folder / "junit.xml"
    report.write_text('<testsuite tests="1"><testcase classname="a" name="test_b" time="0"/></testsuite>')
    done = checkout.run("telemetry", "import", "--store", store, "--project", "p", "--reduce", "paths", str(report))
    assert done.code == 0
    report.unlink()
    ended = checkout.select("--shadow")
    assert ended.code == 2
    assert ended.err.endswith(
        f"error: {store} keeps no names of files and tests (--reduce paths), and changes cannot be kept without them; name "
        "another\nstore with --store\n"
    )


def test_a_model_fails_open(checkout: Checkout, tmp_path: Path) -> None:
    """Thin evidence, an unlike change and drift each select all candidates, and say so."""
    checkout.replace("growth/rate.py", "LIMIT)", "LIMIT + 0)")
    answer = answer_of(checkout)
    every = set(plain(answer).run)
    assert "tests/test_rate.py::test_double" in every
    rows = made_rows()
    trained = train("growth", rows)[0]
    models.write(trained, tmp_path / "models")
    model = models.load(tmp_path / "models", "growth")
    question = Question("growth", rows, model, 10**18, 0.99)
    thin = rank(answer, question)
    assert set(thin.run) == every
    places = f"{len(trained.caught)} places of the code with failures"
    everything = "; all tests that can reach the change are selected"
    assert thin.notes == [f"the evidence is thin: {places} show no level that keeps a recall of 99%{everything}"]
    unlike = rank(answer, replace(question, recall=0.5))
    assert set(unlike.run) == every
    assert unlike.notes[0].startswith("the change is unlike those of the training: ")
    strange = replace(model, trained=replace(model.trained, kinds={"names": 100}))
    assert rank(answer, replace(question, recall=0.5, model=strange)).notes == [
        f"the change is unlike those of the training: it has the kind 'function', which 0 of them had{everything}"
    ]
    missed = [replace(row, origin="real", decision={"missed": True, "missed_some": True}) for row in rows[1:9]]
    drifted = rank(answer, replace(question, recall=0.5, rows=[*rows, *missed]))
    assert set(drifted.run) == every
    assert drifted.notes[0].startswith("alarm: ")
    assert drifted.notes[0].endswith(everything)


def test_a_model_ranks_and_leaves_out(checkout: Checkout, tmp_path: Path) -> None:
    """Where it has seen such changes: what it leaves out has a reason, and what a rule selects runs."""
    checkout.replace("growth/rate.py", "LIMIT = 100", "LIMIT = 101")
    checkout.replace("growth/rate.py", "return 5", "return 6")
    answer = answer_of(checkout)
    seen = observe(answer, dict.fromkeys(answer.evidence.there if answer.evidence else (), 1.0))
    target = seen.tests.index("tests/test_rate.py::test_double")
    rows = [Row("growth", "mutant", number, replace(seen, group=f"g{number}"), [target]) for number in range(200)]
    models.write(train("growth", rows)[0], tmp_path / "models")
    model = models.load(tmp_path / "models", "growth")
    verdict = rank(answer, Question("growth", rows, model, 10**18, 0.95))
    assert verdict.run[0] == "tests/test_rate.py::test_double"
    assert verdict.reasons[verdict.run[0]][0].startswith("predicted p=")
    assert verdict.left_out["tests/test_rate.py::test_counter"].endswith(", too little to gain for a recall of 95%")
    assert set(verdict.run) | set(verdict.left_out) == {f"tests/{test}" for test in RATE} | {
        f"tests/test_table.py::{name}" for name in ("test_words", "test_words_again", "test_lookup", "test_alone")
    }
    assert verdict.recall is not None
    assert verdict.recall["low"] >= 0.95
    ruled = replace(answer.selection, always={"tests/test_rate.py::test_counter": "by a rule"})
    kept = rank(replace(answer, selection=ruled), Question("growth", rows, model, 10**18, 0.95))
    assert kept.reasons["tests/test_rate.py::test_counter"][0] == "always-run rule: by a rule"


def test_train_says_what_is_wrong(checkout: Checkout, tmp_path: Path) -> None:
    folder = ["--project", str(checkout.folder)]
    ended = checkout.run("train", *folder)
    assert (ended.code, ended.err) == (
        2,
        f"error: {checkout.folder}/.cloche/telemetry.sqlite: there is no store; `cloche telemetry import` makes one\n",
    )
    ended = checkout.run("train", *folder, "--", "-x")
    assert ended.code == 2
    assert "words for pytest need --from-mutants" in ended.err
    file = tmp_path / "rows.jsonl"
    file.write_bytes(write([*made_rows(5), replace(made_rows(1)[0], origin="real")]))
    ended = checkout.run("train", *folder, "--rows", str(file))
    assert ended.code == 2
    assert ended.err.startswith("error: there are rows that are mutant and real; mixing them is a decision")
    ended = checkout.run("train", *folder, "--rows", str(file), "--origin", "mutant")
    assert ended.code == 1
    assert not (checkout.folder / ".cloche/models").exists()
    ended = checkout.run("train", *folder, "--rows", str(file), "--from-mutants")
    assert "--from-mutants adds to the telemetry, and --rows reads files instead; use one of them" in ended.err


def test_changes_from_mutants_are_marked_and_the_project_stays_as_it_is(checkout: Checkout, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in checkout.folder.rglob("*.py")}
    target = tmp_path / "rows.jsonl"
    words = ["--from-mutants", "--functions", "3", "--imports", "1", "--export", str(target), "--", "-q"]
    ended = checkout.run("train", "--project", str(checkout.folder), *words)
    assert ended.code == 0, ended.err
    assert {path: path.read_bytes() for path in checkout.folder.rglob("*.py")} == before
    found = read(target)
    assert {row.origin for row in found} == {"mutant"}
    assert {row.stratum for row in found} <= {"function", "import", "collection", "broad"}
    # A fault that tests see is seen by tests that the change can reach.
    assert any(row.failed for row in found)
    for row in found:
        assert row.observation.everything or set(row.failed) <= set(row.observation.candidates)
