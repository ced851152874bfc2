"""Addresses of stores: what is secret in them is shown nowhere."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from cloche.cli import cloche
from cloche.telemetry import address
from cloche.telemetry.address import Address
from cloche.telemetry.store import engine_of, opened
from conftest import Outcome
from report_samples import Sample

Run = Callable[..., Outcome]
SECRET = "geh€im+q"  # noqa: S105 - nobody's


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://me:geheim@db.example:5432/runs", "postgresql://me:***@db.example:5432/runs"),
        ("postgresql+psycopg://me:ge%68%2Fim@db/runs", "postgresql+psycopg://me:***@db/runs"),
        ("postgresql://me@db/runs", "postgresql://me@db/runs"),
        ("postgresql://me:@db/runs", "postgresql://me:***@db/runs"),
        ("postgresql://:geheim@[::1]:5432/runs", "postgresql://:***@[::1]:5432/runs"),
        ("postgresql://db/runs?user=me&password=geheim", "postgresql://db/runs?user=me&password=***"),
        ("postgresql://db/?sslpassword=geheim&sslmode=require", "postgresql://db/?sslpassword=***&sslmode=require"),
        (
            "postgresql://me@/runs?host=/run/socket,/tmp&port=5432,5433",
            "postgresql://me@/runs?host=/run/socket,/tmp&port=5432,5433",
        ),
        ("postgresql://db/runs?options=-c%20geheim", "postgresql://db/runs?options=***"),
        ("postgresql://db/runs?host=x@geheim", "postgresql://db/runs?host=***"),
        ("postgresql://db/runs?geheim", "postgresql://db/runs?***"),
        ("mysql://me:geheim@db/runs", "mysql://me:***@db/runs"),
        # Not well formed: nobody can tell which part is the password.
        ("postgresql://me:ge/he@im@db/runs", "postgresql://***"),
        ("postgresql://me:12/34@db/runs", "postgresql://***"),
        ("postgresql://me:ge?he#im@db/runs", "postgresql://***"),
        ("postgresql://me:geheim", "postgresql://***"),
        ("postgresql://me:ge heim@db/runs", "postgresql://***"),
        ("x postgresql://me:geheim@db/runs", "***"),
        # Neither a URL nor a file.
        ("host=db user=me password=geheim", "***"),
        (" password = 'ge heim' host=db", "***"),
        ("postgresql:/me:geheim@db/runs", "***"),
        ("postgres:me:geheim@db/runs", "***"),
        # Files.
        ("runs.sqlite", "runs.sqlite"),
        ("/a b/ö@c:d?e=f.sqlite", "/a b/ö@c:d?e=f.sqlite"),
        ("sqlite:////a b/x@y:z.sqlite", "sqlite:////a b/x@y:z.sqlite"),
    ],
)
def test_the_text_of_an_address_hides_what_is_secret(text: str, shown: str) -> None:
    store = Address(text)
    assert (str(store), f"{store}", f"{store!s:>3}") == (shown, shown, shown)
    assert repr(store) == f"Address({shown!r})"
    assert f"{[store]} {vars(type(store)).get('_text')}" == f"[Address({shown!r})] None"
    assert store.reveal() == text
    assert Address(store) == store
    for part in ("geheim", "he@im", "heim", "34"):
        assert part not in str(store)


def test_words_of_others_are_shown_without_secrets() -> None:
    store = Address("postgresql://me:a%2Fb+c@db/runs?sslpassword=zzzz&sslmode=require")
    words = 'bad "a/b+c", "a/b c", "a%2Fb+c", zzzz in postgresql://me:a%2Fb+c@db/runs?sslpassword=zzzz&sslmode=require'
    assert store.without_secrets(words) == f'bad "***", "***", "***", *** in {store}'
    assert (
        Address("postgresql://me:geheim")
        .without_secrets("port 'geheim' in postgresql://me:geheim")
        .endswith("postgresql://***")
    )
    assert Address("postgresql://me:ab@db/runs").without_secrets("no table") == (
        "what it says is not shown, since that might tell the password"
    )
    assert Address("runs.sqlite").without_secrets("runs.sqlite is full") == "runs.sqlite is full"


@pytest.mark.parametrize(
    ("text", "message", "code"),
    [
        ("postgresql://me:geheim", "postgresql://*** is no store of telemetry: its URL cannot be read", 2),
        (
            "host=127.0.0.1 password=geheim",
            "*** is no store of telemetry: it is neither a file nor a URL; write postgresql://USER@HOST/DATABASE",
            2,
        ),
        (
            "mysql://me:geheim@h/d",
            "mysql://me:***@h/d is no store of telemetry: 'mysql' is none of sqlite and postgresql",
            2,
        ),
        ("postgresql://me:geheim@127.0.0.1:1/d", "postgresql://me:***@127.0.0.1:1/d cannot be used: ", 3),
        (
            "postgresql://127.0.0.1:1/d?password=geheim&user=me",
            "postgresql://127.0.0.1:1/d?password=***&user=me cannot be used: ",
            3,
        ),
        ("postgresql://127.0.0.1:1/d?geheim=12345", "postgresql://127.0.0.1:1/d?*** cannot be used: ", 3),
    ],
)
def test_no_verb_tells_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str, code: int
) -> None:
    """In a process of its own, whose environment is all that tells of the store; PGPASSWORD is libpq's own."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "p"\n')
    monkeypatch.chdir(tmp_path)
    environment = {**os.environ, address.VARIABLE: text, "PGPASSWORD": "pgeheim", "PGCONNECT_TIMEOUT": "5"}
    for words in (
        ["telemetry", "stats"],
        ["telemetry", "migrate"],
        ["regress", "drift", "--project", "p"],
        ["report"],
        ["report", "--save-history", "history.json"],
        ["train"],
        ["telemetry", "stats", "--help"],
        ["report", "--help"],
    ):
        done = subprocess.run(
            [sys.executable, "-c", "from cloche.cli import main; main()", *words],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout + done.stderr
        assert "geheim" not in said
        assert "Traceback" not in said
        if "--help" in words:
            assert done.returncode == 0
        else:
            assert done.returncode == code, said
            assert done.stderr.startswith(f"error: {message}")
    assert [path.name for path in tmp_path.iterdir()] == ["pyproject.toml"]


def test_a_report_names_its_store_without_the_password(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No server is needed for the report's own part: the history that is taken from a store is put in its place."""
    from cloche.report import command

    sample = Sample(tmp_path / "sample")
    history = json.loads((Path(sample.history()[0].partition("=")[2])).read_text())
    monkeypatch.setattr(command, "_history", lambda _store, _project: history)
    monkeypatch.setenv(address.VARIABLE, f"postgresql://me:{SECRET}@db/runs?sslpassword={SECRET}")
    outcome = run("report", "--output", str(tmp_path / "report"), *sample.tests())
    assert outcome.code == 0, outcome.err
    files = [path for path in (tmp_path / "report").rglob("*") if path.is_file()]
    told = [path for path in files if b"postgresql://me:***@db/runs?sslpassword=***" in path.read_bytes()]
    # The control: the store is named.
    assert {path.name for path in told} >= {"index.html", "report.json"}
    assert not [path for path in files if SECRET.encode() in path.read_bytes() or b"geh" in path.read_bytes()]


# -- a file of SQLite is looked at before it is opened


def state(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def foreign(path: Path, mode: str, statement: str = "CREATE TABLE cats (n)") -> None:
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA journal_mode={mode}")
    for each in statement.split(";"):
        connection.execute(each)
    connection.commit()
    connection.close()


@pytest.fixture
def workplace_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Return a function that makes a folder and stands in it."""

    def make(name: str) -> Path:
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        return tmp_path / name

    return make


NEWER = "CREATE TABLE alembic_version (version_num TEXT); INSERT INTO alembic_version VALUES ('z999')"


@pytest.mark.parametrize("name", ["th%e fi?le#.sqlite", "sqlite:///file.sqlite"])
@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("CREATE TABLE cats (n)", " is no store of telemetry: it has other tables (cats)\n"),
        ("CREATE VIEW runs AS SELECT 1", " is no store of telemetry: it has other tables (runs)\n"),
        (NEWER, ": its schema is z999, and this Cloche knows those up to "),
    ],
)
def test_a_file_that_is_refused_keeps_its_bytes_and_nothing_is_beside_it(
    run: Run, workplace_of: Callable[[str], Path], name: str, statement: str, reason: str
) -> None:
    for mode in ("DELETE", "TRUNCATE", "PERSIST", "WAL"):
        folder = workplace_of(mode)
        foreign(Path(name.removeprefix("sqlite:///")), mode, statement)
        before = state(folder)
        for words in (["stats"], ["migrate"], ["import", "--project", "p", "none.xml"], ["forget", "--people"]):
            outcome = run("telemetry", words[0], "--store", name, *words[1:])
            assert outcome.code == 2
            assert outcome.err.startswith(f"error: {name}{reason}")
            assert state(folder) == before


@pytest.mark.parametrize("statement", ["PRAGMA user_version=7", ""])
def test_a_file_without_tables_is_no_store_and_stays_as_it_is(run: Run, tmp_path: Path, statement: str) -> None:
    path = tmp_path / "x.sqlite"
    path.touch()
    if statement:
        foreign(path, "DELETE", statement)
    before = state(tmp_path)
    for verb in ("stats", "migrate"):
        outcome = run("telemetry", verb, "--store", str(path))
        words = f"error: {path}: there is no store; `cloche telemetry import` makes one\n"
        assert (outcome.code, outcome.err) == (2, words)
        assert state(tmp_path) == before


def test_a_file_that_somebody_has_open_is_refused_and_left_as_it_is(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    foreign(path, "WAL")
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE dogs (n)")
    other.commit()
    before = state(tmp_path)
    assert set(before) == {"x.sqlite", "x.sqlite-wal", "x.sqlite-shm"}
    outcome = run("telemetry", "stats", "--store", str(path))
    # What is not in the file yet is seen, too.
    assert (outcome.code, outcome.err) == (
        2,
        f"error: {path} is no store of telemetry: it has other tables (cats, dogs)\n",
    )
    after = state(tmp_path)
    assert {**after, "x.sqlite-shm": b""} == {**before, "x.sqlite-shm": b""}
    other.execute("INSERT INTO dogs VALUES (1)")
    other.commit()
    other.close()


def test_other_files_are_refused_without_opening_them(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "thesis.tex"
    for data in (b"\\title", b"SQLite format 4\0" + bytes(200), b"\0" * 5000):
        path.write_bytes(data)
        for words in (["stats"], ["import", "--project", "p", str(path)]):
            outcome = run("telemetry", words[0], "--store", str(path), *words[1:])
            assert (outcome.code, outcome.err) == (
                2,
                f"error: {path} is no store of telemetry: the file is no database of SQLite\n",
            )
            assert state(tmp_path) == {"thesis.tex": data}


def test_a_store_of_ours_is_opened_as_before(tmp_path: Path) -> None:
    """The control: what is refused above is the foreign part of it."""
    for name in (str(tmp_path / "a.sqlite"), f"sqlite:///{tmp_path}/b.sqlite"):
        with opened(name, create=True):
            pass
        with opened(name) as engine, opened(name), engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
    (tmp_path / "empty.sqlite").touch()
    with opened(str(tmp_path / "empty.sqlite"), create=True):
        pass
    assert CliRunner().invoke(cloche, ["telemetry", "stats", "--store", f"sqlite:///{tmp_path}/absent"]).exit_code == 1
    assert not (tmp_path / "absent").exists()
    engine_of(str(tmp_path / "a.sqlite")).dispose()
