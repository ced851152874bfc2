"""The telemetry, on SQLite and on a real PostgreSQL server where CLOCHE_POSTGRESQL names one (checks.postgresql does)."""

import json
import math
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from click.testing import CliRunner, Result
from sqlalchemy import create_engine, text

from cloche.cli import cloche
from cloche.errors import ClocheError
from cloche.outcomes.reports import outcome_of
from cloche.report.history_store import export
from cloche.telemetry.features import features_as_of
from cloche.telemetry.importing import Reduction, store_runs
from cloche.telemetry.models import Base
from cloche.telemetry.reports import ReportedExecution, ReportedRun, moment_of, node_of_pytest
from cloche.telemetry.store import engine_of, migrate, migrate_engine, opened, reading

POSTGRESQL = os.environ.get("CLOCHE_POSTGRESQL", "")
DATA = Path(os.environ.get("CLOCHE_DATA", "/absent"), "test-history")
# Executions of each of the eight writers; the full size is 20000.
LOAD = int(os.environ.get("CLOCHE_TELEMETRY_LOAD", "1000"))
DAY = 86_400_000_000


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return an empty store: a file, or a database of its own on the server."""
    if request.param == "sqlite":
        yield str(tmp_path / "store.sqlite")
        return
    if not POSTGRESQL:
        pytest.skip("CLOCHE_POSTGRESQL names no PostgreSQL server; checks.postgresql starts one")
    name = f"t{uuid.uuid4().hex}"
    admin = create_engine(POSTGRESQL.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield POSTGRESQL.replace("/postgres?", f"/{name}?")
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


def telemetry(*words: object) -> Result:
    return CliRunner().invoke(cloche, ["telemetry", *map(str, words)])


def refused(*words: object) -> tuple[str, int]:
    """Return the message and exit code of a refusal."""
    error = telemetry(*words).exception
    assert isinstance(error, ClocheError), error
    return error.message, error.exit_code


def run_of(key: str, outcomes: dict[str, str], day: int = 1, origin: str = "real") -> ReportedRun:
    executions = [
        ReportedExecution(f"tests/{name}.py::test", f"tests/{name}.py", outcome, 0.5)
        for name, outcome in outcomes.items()
    ]
    return ReportedRun(key, "junit", "p", origin, day * DAY, executions)


def rows(store: str, query: str) -> list[tuple[object, ...]]:
    with opened(store) as engine, reading(engine) as connection:
        return [tuple(row) for row in connection.execute(text(query))]


JUNIT = """<testsuites><testsuite name="pytest" tests="4" timestamp="2026-01-02T00:00:00+00:00" time="2.5">
<testcase classname="tests.test_a" name="test_one[1.5]" time="0.5"/>
<testcase classname="tests.test_a.TestThing" name="test_two" time="1.0"><failure message="no"/></testcase>
<testcase classname="tests.test_a" name="test_three" time="0"><skipped type="pytest.skip"/></testcase>
<testcase classname="" name="tests.test_broken" time="0"><error message="collection failure"/></testcase>
</testsuite></testsuites>"""


def test_telemetry_reads_junit_once_and_shows_it(store: str, tmp_path: Path) -> None:
    report = tmp_path / "r.xml"
    report.write_text(JUNIT)
    first = telemetry("import", "--store", store, "--project", "p", report)
    assert (
        first.output == f"{report}: 1 runs are new, 0 were known, 0 were continued; 4 executions reported, 4 stored\n"
    )
    again = telemetry("import", "--store", store, "--project", "p", report)
    assert (
        again.output == f"{report}: 0 runs are new, 1 were known, 0 were continued; 4 executions reported, 4 stored\n"
    )
    shown = json.loads(telemetry("stats", "--store", store, "--json").output)
    assert shown["runs"] == [{"project": "p", "origin": "imported", "source": "junit", "runs": 1, "executions": 4}]
    assert shown["slowest"][0] == {
        "test": "tests/test_a.py::TestThing::test_two",
        "average_seconds": 1.0,
        "executions": 1,
    }
    assert shown["cost_per_file"][0] == {"file": "tests/test_a.py", "seconds": 1.5, "executions": 3, "tests": 3}
    assert shown["never_failing"]["tests"] == 1
    assert rows(store, "SELECT at, outcome FROM executions ORDER BY position")[1] == (
        moment_of("2026-01-02T00:00:02.5", ""),
        "failed",
    )


def test_telemetry_counts_a_failure_at_the_end_of_a_skipped_test(store: str, tmp_path: Path) -> None:
    report = tmp_path / "r.xml"
    report.write_text(
        '<testsuite name="pytest" tests="1" timestamp="2026-01-02T00:00:00+00:00">'
        '<testcase classname="tests.test_a" name="test_one" time="0.5"><skipped type="pytest.skip"/><error/></testcase>'
        "</testsuite>"
    )
    telemetry("import", "--store", store, "--project", "p", report)
    assert rows(store, "SELECT outcome, passed FROM executions") == [("error", False)]
    end: Any = SimpleNamespace(outcome="failed", when="teardown")
    skipped: Any = SimpleNamespace(outcome="skipped", when="call")
    expected: Any = SimpleNamespace(outcome="skipped", when="call", wasxfail="known")
    assert [outcome_of(phases) for phases in ([skipped, end], [expected, end], [expected], [skipped])] == [
        "error",
        "error",
        "xfailed",
        "skipped",
    ]


def test_telemetry_reads_a_recording_and_not_the_same_one_from_a_cache(store: str, tmp_path: Path) -> None:
    log, out = tmp_path / "log", tmp_path / "out"
    log.mkdir()
    out.mkdir()
    tests = [
        {"test": "tests.test_a::test_x", "outcome": "xfailed", "message": ""},
        {"test": "tests.test_a::test_y", "outcome": "error", "message": ""},
    ]
    (out / "outcomes.json").write_text(json.dumps({"version": 1, "counts": {"xfailed": 1, "error": 1}, "tests": tests}))
    (log / "durations.json").write_text(json.dumps({"tests.test_a::test_x": 0.25}))
    (log / "record").symlink_to(out)
    for at, new in (("2026-01-01", 1), ("2026-01-02", 0)):
        done = telemetry("import", "--store", store, "--project", "p", "--commit", "c", "--at", at, log)
        assert f"{new} runs are new" in done.output, done.output
    assert rows(store, "SELECT origin, outcome, passed, duration FROM executions ORDER BY position") == [
        ("real", "xfailed", True, 0.25),
        ("real", "error", False, None),
    ]
    (out / "outcomes.json").write_text(json.dumps({"version": 1, "counts": {"passed": 3}, "tests": tests}))
    assert refused("import", "--store", store, "--project", "p", log) == (
        f"{log}/record/outcomes.json: the suite 'counts' says that it has 3 tests, and holds 2; nothing was imported",
        1,
    )


@pytest.mark.parametrize(
    ("name", "content", "message", "code"),
    [
        (
            "a.xml",
            JUNIT.replace('tests="4"', 'tests="5"'),
            "the suite 'pytest' says that it has 5 tests, and holds 4; nothing was imported",
            1,
        ),
        ("a.xml", "<html/>", "its root is <html>, where JUnit XML has <testsuites> or <testsuite>", 2),
        (
            "a.xml",
            '<!DOCTYPE a [<!ENTITY b "c">]><testsuite/>',
            "it has a DTD or entities, which no report of tests needs",
            2,
        ),
        ("a.xml", JUNIT.replace('time="1.0"', 'time="nan"'), "'nan' is no duration", 2),
        (
            "a.csv",
            "Name;Verdict\n1;0\n",
            "a history has the columns Name, Duration, LastRun, Verdict; absent: Duration, LastRun",
            2,
        ),
        ("a.txt", "", "its name ends in none of .xml, .jsonl, .csv, .parquet", 2),
        ("b.jsonl", '{"kind": "execution"}\n', "it is neither a run nor what follows one", 2),
        (
            "b.jsonl",
            f'{{"kind": "run", "version": 1, "run": "r", "at": {2**62}, "environment": {{}}}}\n',
            "its time, 4611686018427387904 microseconds after 1970, has no date",
            2,
        ),
    ],
)
def test_telemetry_refuses_what_is_no_report(tmp_path: Path, name: str, content: str, message: str, code: int) -> None:
    path = tmp_path / name
    path.write_text(content)
    place = f"{path}, line 1" if name == "b.jsonl" else str(path)
    assert refused("import", "--store", tmp_path / "s", "--project", "p", path) == (f"{place}: {message}", code)


def test_telemetry_refuses_another_report_under_the_same_key(store: str) -> None:
    with opened(store, create=True) as engine:
        store_runs(engine, [run_of("k", {"a": "passed"})], Reduction())
        with pytest.raises(ClocheError) as caught:
            store_runs(engine, [run_of("k", {"a": "failed"})], Reduction())
    assert caught.value.message == (
        "junit: the run k is stored already, with other executions (1 there, 1 here); nothing of it was\n"
        "changed. If this report is the right one, run `cloche telemetry forget --run k`, then import it again"
    )


def test_telemetry_proves_that_nothing_was_lost(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with opened(path, create=True) as engine:
        with engine.begin() as connection:
            # A database that loses a row: the proof must notice.
            connection.execute(
                text(
                    "CREATE TRIGGER lose AFTER INSERT ON executions WHEN new.position = 1 BEGIN DELETE FROM executions WHERE position = 1; END"
                )
            )
        with pytest.raises(ClocheError) as caught:
            store_runs(engine, [run_of("k", {"a": "passed", "b": "passed"})], Reduction())
    assert caught.value.message == "the store does not hold what was reported:\n  k: 2 reported, 1 stored"
    assert caught.value.exit_code == 1
    assert rows(path, "SELECT count(*) FROM runs") == [(0,)]


def test_telemetry_migrations_make_the_models_tables(store: str) -> None:
    engine = engine_of(store)
    assert migrate_engine(engine, store, to="a001") == (None, "a001")
    with pytest.raises(ClocheError) as caught, opened(store):
        pass
    assert caught.value.message.endswith(
        "its schema is a001, and this Cloche writes a005; run `cloche telemetry migrate`"
    )
    assert migrate(store) == ("a001", "a005")
    with engine.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
        connection.execute(text("UPDATE alembic_version SET version_num = 'a999'"))
    for verb in (["stats"], ["migrate"], ["import", "--project", "p", "/absent.xml"]):
        message, code = refused(verb[0], "--store", store, *verb[1:])
        assert message.endswith(
            "its schema is a999, and this Cloche knows those up to a005; nothing was read or written. Use a\n"
            "Cloche that is at least as new as the one that wrote it"
        )
        assert code == 2
    engine.dispose()


def test_telemetry_features_know_nothing_of_what_comes_later(store: str) -> None:
    runs = [run_of(f"k{day}", {"a": "failed" if day > 2 else "passed", "b": "skipped"}, day) for day in range(1, 6)]
    with opened(store, create=True) as engine:
        store_runs(engine, runs, Reduction())
        with engine.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO changes (project, \"commit\", origin, at, lines_added, lines_deleted, files_changed) VALUES ('p', 'c', 'real', :at, 3, 2, 1)"
                ),
                {"at": 2 * DAY},
            )
            connection.execute(
                text("INSERT INTO changed_files (change_id, path, kind) SELECT id, 'tests/a.py', 'edited' FROM changes")
            )
        with reading(engine) as connection:
            early = features_as_of(connection, project="p", moment=3 * DAY, commit="c")
            late = features_as_of(connection, project="p", moment=9 * DAY)
            assert features_as_of(connection, project="p", moment=DAY) == []
    assert [row.test_name for row in early] == ["tests/a.py::test", "tests/b.py::test"]
    assert (
        early[0].recent_failure_rate,
        early[0].passed,
        early[0].average_duration,
        early[0].days_since_last_change,
    ) == (0.0, True, 0.5, 1.0)
    assert (early[0].commit, early[0].lines_added, early[0].lines_deleted, early[0].files_changed) == ("c", 3, 2, 1)
    assert (early[1].recent_failure_rate, early[1].passed, early[1].days_since_last_change) == (None, None, None)
    assert (late[0].recent_failure_rate, late[0].passed) == (0.6, False)


def test_telemetry_mixes_origins_only_when_told(store: str) -> None:
    with opened(store, create=True) as engine:
        store_runs(engine, [run_of("a", {"a": "passed"}), run_of("b", {"a": "failed"}, 2, "mutant")], Reduction())
    message, code = refused("features", "--store", store, "--project", "p")
    assert message == (
        "the store holds executions that are mutant and real; mixing them is a decision: name those that are wanted\n"
        "(--origin, several times for a mixture)"
    )
    assert code == 2
    assert (
        json.loads(telemetry("features", "--store", store, "--project", "p", "--origin", "real").output)["passed"]
        is True
    )


def test_telemetry_stats_show_flaky_and_red(store: str) -> None:
    days = ["passed", "failed", "passed", "failed", "failed"]
    with opened(store, create=True) as engine:
        store_runs(
            engine,
            [run_of(f"k{day}", {"a": outcome, "b": "passed"}, day + 1) for day, outcome in enumerate(days)],
            Reduction(),
        )
    shown = json.loads(telemetry("stats", "--store", store, "--json").output)
    assert shown["flakiest"] == [{"test": "tests/a.py::test", "flips": 3, "failures": 3, "executions": 5}]
    assert shown["longest_red"] == [
        {
            "test": "tests/a.py::test",
            "failures": 2,
            "first": "1970-01-05T00:00:00Z",
            "last": "1970-01-06T00:00:00Z",
            "days": 1.0,
            "still_red": True,
        }
    ]
    assert (
        "longest red (days, executions)\n  1.0, 2  tests/a.py::test (still)\n"
        in telemetry("stats", "--store", store).output
    )


def test_telemetry_forgets(store: str) -> None:
    with opened(store, create=True) as engine:
        store_runs(engine, [run_of("a", {"a": "passed"}, 1), run_of("b", {"b": "passed"}, 9)], Reduction())
    gone = telemetry("forget", "--store", store, "--before", "1970-01-05")
    assert (
        gone.output == "forgotten: 1 runs, 1 executions, 1 tests, 0 changes, 0 observed changes, 0 results, 0 people\n"
    )
    assert rows(store, "SELECT key FROM runs") == [("b",)]
    assert (
        refused("forget", "--store", store)[0]
        == "nothing chosen: say what to forget (--run, --project, --before, --people)"
    )


def test_telemetry_reduces_paths_so_that_they_still_agree(store: str) -> None:
    with opened(store, create=True) as engine:
        for key in ("a", "b"):
            store_runs(engine, [run_of(key, {"secret": "passed"})], Reduction(paths=True))
    ((name, file),) = rows(store, "SELECT name, file FROM tests")
    assert "secret" not in f"{name}{file}"
    assert len(str(name)) == 20


def test_telemetry_names_tests_as_pytest_does() -> None:
    assert node_of_pytest("tests.test_a", "test_x[1.5]") == ("tests/test_a.py::test_x[1.5]", "tests/test_a.py")
    assert node_of_pytest("tests.test_a.TestA.TestB", "test") == (
        "tests/test_a.py::TestA::TestB::test",
        "tests/test_a.py",
    )


def test_telemetry_plugin_records_without_nix(store: str, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import os, pytest\ndef test_good(): pass\ndef test_bad(): assert 0\n"
        "@pytest.fixture\ndef broken(): raise ValueError\ndef test_error(broken): pass\n"
        "def test_end():\n    if os.environ.get('DIE'): os._exit(9)\n"
    )
    words: list[str | Path] = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "cloche.telemetry.plugin",
        "--rootdir",
        tmp_path,
        tmp_path,
    ]
    if b"--telemetry" in subprocess.run([*words[:3], "--help"], capture_output=True, check=True, cwd=tmp_path).stdout:
        del words[6:8]  # It is loaded by its entry point.
    (tmp_path / "link.jsonl").symlink_to("of-somebody")
    done = subprocess.run(
        [*words, "--telemetry", "link.jsonl"], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    assert (done.returncode, (tmp_path / "of-somebody").exists()) == (4, False)
    assert "link.jsonl cannot be written: it is a link to of-somebody" in done.stderr
    lines = tmp_path / "t.jsonl"
    for environment in ({}, {"DIE": "1"}):
        subprocess.run(
            [*words, "--telemetry", lines],
            cwd=tmp_path,
            env={**os.environ, **environment},
            check=False,
            capture_output=True,
        )
    imported = telemetry("import", "--store", store, "--project", "p", lines)
    assert "2 runs are new, 0 were known, 0 were continued; 7 executions reported, 7 stored" in imported.output, (
        imported.output
    )
    assert "has no end; what there is of it is stored" in imported.output
    found = rows(store, "SELECT name, outcome FROM tests JOIN executions ON test_id = tests.id")
    seen = {name: outcome for name, outcome in found}  # noqa: C416 - dict() has no types for tuples of any length
    assert seen == {
        "test_it.py::test_good": "passed",
        "test_it.py::test_bad": "failed",
        "test_it.py::test_error": "error",
        "test_it.py::test_end": "passed",
    }
    # What was cut short may go on: the same report with more executions continues it.
    with lines.open("a") as file:
        entry = {
            "kind": "execution",
            "test": "test_it.py::late",
            "file": None,
            "outcome": "passed",
            "duration": 1,
            "at": 5,
        }
        file.write(json.dumps(entry) + "\n")
    assert (
        "1 were known, 1 were continued; 8 executions reported, 8 stored"
        in telemetry("import", "--store", store, "--project", "p", lines).output
    )
    # Straight into the store.
    subprocess.run([*words, "--telemetry", store], cwd=tmp_path, check=False, capture_output=True)
    assert rows(store, "SELECT count(*) FROM runs WHERE source = 'pytest'") == [(3,)]


WRITER = """
import sys, time
from cloche.telemetry.importing import Reduction, store_runs
from cloche.telemetry.reports import ReportedExecution, ReportedRun
from cloche.telemetry.store import opened

store, writer, number, batch = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
executions = [ReportedExecution(f"t{n % 997}", "t.py", "passed", n / 7) for n in range(number // 2)]
own = ReportedRun(f"own:{writer}", "junit", "p", "real", 1, executions)
# Half of it is the same report for two writers each.
shared = ReportedRun(f"shared:{writer // 2}", "junit", "p", "real", 2, executions)
with opened(store, create=True) as engine:
    store_runs(engine, [shared, own], Reduction(), batch=batch)
"""


def start(store: str, writer: int, number: int, batch: int) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", WRITER, store, str(writer), str(number), str(batch)]
    return subprocess.Popen(words, stderr=subprocess.PIPE, text=True)


def test_telemetry_eight_writers_lose_and_double_nothing(store: str) -> None:
    writers = [start(store, writer, LOAD, max(LOAD // 5, 1)) for writer in range(8)]
    for writer in writers:
        _, words = writer.communicate(timeout=3600)
        assert writer.returncode == 0, words
    half = LOAD // 2
    assert rows(store, "SELECT count(*), count(DISTINCT run_id) FROM executions") == [(12 * half, 12)]
    assert rows(store, "SELECT count(*) FROM runs WHERE NOT complete") == [(0,)]
    counts = rows(store, "SELECT count(*) FROM executions GROUP BY run_id")
    assert counts == [(half,)] * 12
    assert rows(store, "SELECT count(*) FROM tests") == [(min(half, 997),)]


def test_telemetry_a_killed_import_is_completed_by_the_next(store: str) -> None:
    number = 20_000
    with opened(store, create=True):
        pass
    first = start(store, 0, number, 100)
    moment = time.monotonic()
    while time.monotonic() < moment + 600:
        (stored,) = rows(store, "SELECT count(*) FROM executions")[0]
        if isinstance(stored, int) and stored > 500:
            break
        time.sleep(0.01)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    left = rows(store, "SELECT count(*) FROM executions")[0][0]
    assert isinstance(left, int)
    assert 500 < left < number
    shown = json.loads(telemetry("stats", "--store", store, "--json").output)
    assert shown["incomplete_runs"] == ["shared:0"]
    assert shown["tests"] == 0
    second = start(store, 0, number, 5000)
    _, words = second.communicate(timeout=3600)
    assert second.returncode == 0, words
    assert rows(store, "SELECT count(*), count(DISTINCT position) FROM executions") == [(number, number // 2)]
    assert rows(store, "SELECT count(*) FROM runs WHERE complete") == [(2,)]


def test_telemetry_reads_changes_from_git(store: str, tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    repository.mkdir()

    def git(*words: str) -> None:
        identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        subprocess.run(["git", "-C", repository, *identity, *words], check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    (repository / "m.py").write_text("def f(x):\n    return x\n\n\ndef g():\n    pass\n")
    git("add", ".")
    git("commit", "-qm", "one")
    (repository / "m.py").write_text(
        "def f(x):\n    if x:\n        return 1\n    return x\n\n\nclass C:\n    def h(self):\n        pass\n"
    )
    (repository / "b.bin").write_bytes(b"\0\1")
    git("add", ".")
    git("commit", "-qm", "two")
    done = telemetry("import", "--store", store, "--project", "p", "--reduce", "people", repository)
    assert done.output == f"{repository}: 2 changes are new, 0 were known\n"
    assert (
        "0 changes are new, 2 were known" in telemetry("import", "--store", store, "--project", "p", repository).output
    )
    assert rows(
        store,
        "SELECT lines_added, lines_deleted, files_changed, complexity_delta, branch, author FROM changes ORDER BY id",
    ) == [
        (6, 0, 1, 2, "main", None),
        (5, 2, 2, 1, "main", None),
    ]
    last = "FROM changed_functions WHERE change_id = (SELECT max(id) FROM changes) ORDER BY name"
    assert rows(store, f"SELECT path, name, kind {last}") == [
        ("m.py", "C.h", "added"),
        ("m.py", "f", "edited"),
        ("m.py", "g", "deleted"),
    ]
    assert refused("features", "--store", store, "--project", "p", "--commit", "absent")[0] == (
        "the store has no change 'absent' of the project 'p'; run `cloche telemetry import REPOSITORY`, which reads git"
    )


def test_telemetry_reads_a_history(store: str, tmp_path: Path) -> None:
    table = tmp_path / "h.csv"
    table.write_text(
        " Id;Name;BuildId;Duration;LastRun;Verdict\n1;7;1;1,002.5;2014-02-22 08:20:05;1\n3;7;2;0.5;2014-02-23 08:20:05;0\n2;8;1;-1;2014-02-22 08:20:05;0\n"
    )
    done = telemetry("import", "--store", store, "--project", "p", table)
    assert "2 runs are new, 0 were known, 0 were continued; 3 executions reported, 3 stored" in done.output
    assert rows(store, "SELECT key, reported, origin FROM runs ORDER BY key") == [
        ("history:p:h.csv:1", 2, "imported"),
        ("history:p:h.csv:2", 1, "imported"),
    ]
    assert rows(store, "SELECT outcome, duration FROM executions ORDER BY run_id, position") == [
        ("failed", 1002.5),
        ("passed", None),
        ("passed", 0.5),
    ]


@pytest.mark.skipif(not DATA.is_dir(), reason="CLOCHE_DATA names no folder with test-history")
def test_telemetry_reads_the_real_histories(store: str) -> None:
    for name, number in (("deeplearning4j.csv", 10_206), ("iofrol.csv", 32_260), ("retrofit.parquet", 71_238)):
        done = telemetry("import", "--store", store, "--project", name.partition(".")[0], DATA / name)
        assert f"{number} executions reported, {number} stored" in done.output, done.exception


def test_telemetry_refuses_what_is_no_store(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("no database" * 100)
    assert refused("stats", "--store", path) == (
        f"{path} is no store of telemetry: the file is no database of SQLite",
        2,
    )
    assert (
        refused("stats", "--store", tmp_path / "absent")[0]
        == f"{tmp_path}/absent: there is no store; `cloche telemetry import` makes one"
    )
    assert (
        refused("stats", "--store", "mysql://u:secret@h/d")[0]
        == "mysql://u:***@h/d is no store of telemetry: 'mysql' is none of sqlite and postgresql"
    )
    for name in ("sqlite://", "sqlite:///file:x?uri=true"):
        assert (
            refused("stats", "--store", name)[0]
            == f"{name} is no store of telemetry: it names no file; write sqlite:///FILE"
        )
    os.mkfifo(tmp_path / "pipe")
    assert refused("stats", "--store", tmp_path / "pipe") == (
        f"{tmp_path}/pipe cannot be used: it is a pipe, and only regular files are read",
        3,
    )
    other = tmp_path / "other"
    with create_engine(f"sqlite:///{other}").begin() as connection:
        connection.execute(text("CREATE TABLE cats (n)"))
    assert refused("stats", "--store", other)[0] == f"{other} is no store of telemetry: it has other tables (cats)"


def test_telemetry_keeps_results_of_experiments(store: str, tmp_path: Path) -> None:
    folder = tmp_path / "out/fit"
    folder.mkdir(parents=True)
    about = {"version": 1, "experiment": "fit", "class": "x86-64-v2", "verdict": "identical"}
    (folder / "comparison.json").write_text(json.dumps(about))
    for day in range(1, 12):
        error = math.nan if day == 11 else 2.0 if day < 8 else 1.5
        (folder / "result.json").write_text(json.dumps({"error": error, "large": 1e300, "steps": [1, 2.5]}))
        words = ["--store", store, "--project", "p", "--commit", f"c{day}", "--at", f"2026-01-{day:02}T00:00:00Z"]
        assert telemetry("import", *words, tmp_path / "out").output == f"{folder}: 4 numbers, stored\n"
        assert telemetry("import", *words, tmp_path / "out").output == f"{folder}: 4 numbers, known already\n"
    looked = CliRunner().invoke(cloche, ["regress", "drift", "--store", store, "--project", "p"])
    assert looked.output == (
        "fit (x86-64-v2) error: fell from 2 to 1.5 at commit c8, 2026-01-08T00:00:00Z\n"
        "fit (x86-64-v2) error: changed from 1.5 to nan at commit c11, 2026-01-11T00:00:00Z\n"
        "2 changes of level in 4 histories of up to 11 runs\n"
    )
    assert looked.exit_code == 1
    gone = telemetry("forget", "--store", store, "--before", "2026-01-06")
    assert (
        gone.output == "forgotten: 0 runs, 0 executions, 0 tests, 0 changes, 0 observed changes, 5 results, 0 people\n"
    )
    assert rows(store, "SELECT count(*) FROM result_values") == [(24,)]


def figures(head: float | None, seconds: float | None) -> dict[str, object]:
    """Return a comparison of a benchmark, as packages.performance has it."""
    case = {
        "name": "test_fit[a.b]",
        "instructions": None if head is None else {"head": head, "base": None},
        "time": None if seconds is None else {"head": seconds},
    }
    return {"version": 1, "benchmark": "fit", "verdict": "not compared", "cases": [case]}


def test_telemetry_keeps_what_benchmarks_cost(store: str, tmp_path: Path) -> None:
    folder = tmp_path / "out/fit"
    folder.mkdir(parents=True)
    for day in range(1, 13):
        data = figures(1000.0 if day < 8 else 1200.0, 0.01 + day % 3 / 1e5)
        (folder / "performance.json").write_text(json.dumps(data))
        words = ["--store", store, "--project", "p", "--commit", f"c{day}", "--at", f"2026-01-{day:02}T00:00:00Z"]
        assert telemetry("import", *words, tmp_path / "out").output == f"{folder}: 2 numbers, stored\n"
        assert telemetry("import", *words, folder).output == f"{folder}: 2 numbers, known already\n"
    looked = CliRunner().invoke(cloche, ["regress", "drift", "--store", store, "--project", "p"])
    assert looked.output == (
        "performance/fit (instructions) test_fit[a.b]: rose from 1000 to 1200 at commit c8, 2026-01-08T00:00:00Z\n"
        "1 change of level in 2 histories of up to 12 runs\n"
    )
    with opened(store) as engine, reading(engine) as connection:
        series = export(connection, "p")["series"]
    assert {(each["experiment"], each["class"], each["path"], len(each["points"])) for each in series} == {
        ("performance/fit", "instructions", "test_fit[a.b]", 12),
        ("performance/fit", "seconds", "test_fit[a.b]", 12),
    }


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"version": 2}, "{}: it is no comparison of a benchmark that this Cloche reads (version 1)"),
        (
            {
                "version": 1,
                "benchmark": "fit",
                "verdict": "slower",
                "cases": [{"name": "a", "time": 3, "instructions": None}],
            },
            "{}: it is no comparison of a benchmark that this Cloche reads (version 1)",
        ),
        (figures(None, None), "{}: it has no figure of this revision to follow"),
    ],
)
def test_what_is_no_comparison_of_a_benchmark(tmp_path: Path, data: dict[str, object], message: str) -> None:
    place = tmp_path / "performance.json"
    place.write_text(json.dumps(data))
    assert refused("import", "--store", tmp_path / "store", "--project", "p", tmp_path)[0] == message.format(place)
