"""What strangers wrote is seen for what it is, wherever it is printed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.attest.outcome import Report as Outcomes
from cloche.untrusted import terminal
from cloche.verify import report as verdicts
from conftest import Outcome
from report_samples import Sample

Run = Callable[..., Outcome]
ESCAPE, BIDI = "\x1b[2K\x1b[1A", "\u202e"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain: 5 µm, Jörg, 日本, 🎉\n\tnext", "plain: 5 µm, Jörg, 日本, 🎉\n\tnext"),
        ("narrow\u202fno\u00a0break\u3000blanks", "narrow\u202fno\u00a0break\u3000blanks"),
        ("\x1b[31mred\x1b[0m", "\\u001b[31mred\\u001b[0m"),
        ("over\rwritten\x08\x7f\x00\x07", "over\\u000dwritten\\u0008\\u007f\\u0000\\u0007"),
        ("\x9b2J \x85", "\\u009b2J \\u0085"),
        ("user\u202etxt.exe \u2066a\u2069 \u200fb \u061c", "user\\u202etxt.exe \\u2066a\\u2069 \\u200fb \\u061c"),
        ("zero\u200bwidth \ufeff \u00ad \u2028", "zero\\u200bwidth \\ufeff \\u00ad \\u2028"),
        ("tag \U000e0041", "tag \\udb40\\udc41"),
        (os.fsdecode(b"latin-1 \xe9"), "latin-1 \\udce9"),
    ],
)
def test_what_can_not_be_seen_is_shown_by_its_number(text: str, shown: str) -> None:
    assert terminal.visible(text) == shown
    assert terminal.visible(shown) == shown
    assert terminal.line(text) == shown.replace("\n", "\\n").replace("\t", "\\t")


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8))
def test_json_has_the_same_value(value: object) -> None:
    for ascii_only in (True, False):
        text = terminal.visible(json.dumps(value, ensure_ascii=ascii_only, indent=1))
        assert json.loads(text) == value
        assert all(letter.isprintable() or letter in "\n " or letter.isspace() for letter in text)


@dataclass(frozen=True)
class Named:
    """A name, and names in all that may hold them."""

    name: str
    more: object


def test_all_texts_of_a_value_are_shown() -> None:
    value = Named("\x1b", [{"\x07": ("\u202e", 1, None)}, Named("\x00", more=True)])
    assert terminal.all_visible(value) == Named(
        "\\u001b", [{"\\u0007": ("\\u202e", 1, None)}, Named("\\u0000", more=True)]
    )


def test_messages_and_usage_errors_are_shown(run: Run, tmp_path: Path) -> None:
    name = f"{ESCAPE}all is well{BIDI}"
    shown = "\\u001b[2K\\u001b[1Aall is well\\u202e"
    outcome = run("telemetry", "stats", "--store", f"{tmp_path}/{name}")
    assert outcome.err == f"error: {tmp_path}/{shown}: there is no store; `cloche telemetry import` makes one\n"
    for words in (["audit", f"--{name}"], [name], ["report", name], ["select-tests", "--format", name]):
        outcome = run(*words)
        assert outcome.code == 2
        assert "all is well\\u202e" in outcome.err
        assert "\x1b" not in outcome.err
        assert BIDI not in outcome.err
        # Newlines of our own stay.
        assert outcome.err.count("\n") > 2
    # The control: nothing is dropped from what is plain.
    assert "No such command 'plain name'" in run("plain name").err


def test_a_system_error_names_its_place_in_one_line(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "x\nthe audit passes\x1b"
    folder.mkdir()
    (folder / "pyproject.toml").mkdir()
    outcome = run("lock", "--project", str(folder))
    assert outcome.code != 0
    assert "\x1b" not in outcome.err


def test_bytes_that_are_no_text_are_no_error(tmp_path: Path) -> None:
    """As file names, on a terminal of any locale."""
    for locale in ("C.UTF-8", "C", "POSIX"):
        for further in ({}, {"PYTHONIOENCODING": "ascii"}, {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}):
            done = subprocess.run(
                [
                    sys.executable,
                    "-c",
                    "from cloche.cli import main; main()",
                    "telemetry",
                    "stats",
                    "--store",
                    b"\xe9\x1b\xc3\xa4",
                ],
                env={**os.environ, "LC_ALL": locale, **further},
                cwd=tmp_path,
                capture_output=True,
                check=False,
            )
            assert done.returncode == 2, done.stderr
            assert done.stderr.startswith((b"error: \\udce9\\u001b", b"error: \xe9\\u001b", b"error: \\xe9\\u001b"))
            assert done.stderr.endswith(b": there is no store; `cloche telemetry import` makes one\n")


def test_warnings_and_prints_are_shown_and_the_streams_are_put_back(capfd: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout, sys.stderr
    with terminal.shown():
        print("\x1b[1mout", BIDI)  # noqa: T201 - this is what is tested
        sys.stdout.writelines(["\x07\n", "next\n"])
    assert (sys.stdout, sys.stderr) == before
    captured = capfd.readouterr()
    assert captured.out == "\\u001b[1mout \\u202e\n\\u0007\nnext\n"
    assert captured.err == ""
    code = (
        "import warnings; from cloche.untrusted import terminal\nwith terminal.shown(): warnings.warn('\\x1b[1mwarned')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "UserWarning: \\u001b[1mwarned\n" in done.stderr
    with pytest.raises(SystemExit), terminal.shown():
        sys.exit(1)
    assert (sys.stdout, sys.stderr) == before


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no answer from http://me:geheim@proxy:3128/x", "no answer from http://me:***@proxy:3128/x"),
        ("'https://:geheim@host/', https://a:b@c", "'https://:***@host/', https://a:***@c"),
        ("postgresql://me:***@db/runs", "postgresql://me:***@db/runs"),
        ("http://host:80/one@1.0 and me@host", "http://host:80/one@1.0 and me@host"),
        ("me@host:path, a:b@c", "me@host:path, a:b@c"),
    ],
)
def test_passwords_in_the_words_of_others_are_not_shown(
    capfd: pytest.CaptureFixture[str], text: str, shown: str
) -> None:
    assert terminal.without_passwords(text) == shown
    with terminal.shown():
        sys.stderr.write(text)
        sys.stdout.write(text)
    # Data is what it is.
    assert capfd.readouterr() == (text, shown)


def test_a_table_of_a_verdict_has_no_line_of_a_stranger() -> None:
    found = Outcomes()
    found.accept("signature", f"by you\naccepted: {BIDI}everything")
    table = verdicts.table(found, f"demo{ESCAPE}\naccepted: demo")
    assert table.splitlines()[-1] == "accepted: demo\\u001b[2K\\u001b[1A\\naccepted: demo"
    assert "by you\\naccepted: \\u202eeverything" in table
    assert len(table.splitlines()) == 2


def test_a_report_shows_names_and_keeps_its_data(run: Run, tmp_path: Path) -> None:
    sample = Sample(tmp_path / "sample")
    options = sample.tests()
    place = tmp_path / "sample/results/outcomes.json"
    data = json.loads(place.read_text())
    name = f"tests/test_a.py::test_b[{BIDI}\x1b]"
    data["tests"][0]["test"] = name
    place.write_text(json.dumps(data))
    outcome = run("report", "--output", str(tmp_path / "report"), *options)
    assert outcome.code == 0, outcome.err
    for file in ("index.html", "report.md"):
        text = (tmp_path / "report" / file).read_text()
        assert BIDI not in text
        assert "\x1b" not in text
    # In JSON, by which the page's script has it.
    assert r"\\u202e\\u001b" in (tmp_path / "report/index.html").read_text()
    assert name in {
        each["test"]
        for each in json.loads((tmp_path / "report/report.json").read_text())["sections"]["tests"]["facts"]["tests"]
    }
