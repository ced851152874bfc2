"""What Nix says about builds that are repeated, and what is said to people about it.

Real builds under real variations: tests/test_reproduce.py of the repository.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from cloche.reproduce import report, run, variations
from cloche.reproduce.compare import Finding
from cloche.reproduce.errors import ImpossibleVariationError, NixError, UnknownVariationError
from cloche.reproduce.nix import Call, Derivation, State, below, build_again

A, B, C = (f"/nix/store/{letter * 32}-{letter}.drv" for letter in "abc")
OUT = f"/nix/store/{'d' * 32}-a"
LOG = f"/nix/store/{'e' * 32}-b-log"
DERIVATIONS = [
    Derivation(A, {"out": OUT}, (), fixed=False),
    Derivation(B, {"out": "/nix/store/x-b", "log": LOG}, (A,), fixed=False),
    Derivation(C, {"out": "/nix/store/x-c"}, (A, B), fixed=False),
]


def answers(monkeypatch: pytest.MonkeyPatch, code: int, err: str) -> None:
    ended = subprocess.CompletedProcess[str]([], code, "", err)
    monkeypatch.setattr(Call, "run", lambda *_: ended)


def test_what_nix_says_of_each_build(monkeypatch: pytest.MonkeyPatch) -> None:
    words = f"""checking outputs of '{A}'...
error: derivation '{A}' may not be deterministic: output '{OUT}' differs from '{OUT}.check'
error: derivation '{B}' may not be deterministic: output '/home/me/store{LOG}' differs from '/home/me/store{LOG}.check'
error: builder for '{C}' failed with exit code 2;
       last 2 log lines:
       > the certificate
       > has expired
       For full logs, run:
         nix log {C}
"""
    answers(monkeypatch, 1, words)
    found = build_again(DERIVATIONS, Call())
    assert (found[A].state, found[A].output, found[A].other) == (State.DIFFERENT, OUT, f"{OUT}.check")
    # Durations are no difference.
    assert found[B].state is State.IDENTICAL
    assert found[C].state is State.FAILED
    assert found[C].reason == "failed with exit code 2\nlast 2 log lines:\n> the certificate\n> has expired"


def test_no_words_are_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, 0, "")
    assert {outcome.state for outcome in build_again(DERIVATIONS, Call()).values()} == {State.IDENTICAL}


def test_an_end_that_is_about_no_build_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, 1, "error: disk is full\n")
    with pytest.raises(NixError) as ended:
        build_again(DERIVATIONS, Call())
    assert ended.value.message == "the outputs cannot be built again; Nix says:\nerror: disk is full"
    assert ended.value.exit_code == 3


def test_sources_are_not_built() -> None:
    source = Derivation("/nix/store/s.drv", {}, (), fixed=True)
    top = Derivation("/nix/store/t.drv", {}, (C, source.path), fixed=False)
    known = {each.path: each for each in [*DERIVATIONS, source, top]}
    assert below(top.path, known) == [A, B, C, top.path]


def test_names_of_variations(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownVariationError, match="there is no variation 'moon'; there are cores, date, "):
        run.chosen(run.Request(flake=".", variations=("moon",)))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ImpossibleVariationError) as ended:
        run.chosen(run.Request(flake=".", variations=("user",)))
    assert ended.value.message == "the variation 'user' is not possible here: only root can become another user"
    # What nobody asked for by name is left out with its reason.
    names, left_out = run.chosen(run.Request(flake="."))
    assert left_out["user"] == "only root can become another user"
    assert left_out["machine"] == "name one by --machine ssh-ng://HOST"
    assert set(names) | set(left_out) == set(variations.VARIATIONS)


def test_only_the_toolchains_values_are_exchanged(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    (tools / "lib/locale").mkdir(parents=True)
    call = variations.prepare(["locale", "timezone"], tools, {"LC_ALL": "C.UTF-8", "LOCPATH": "/base"}, tmp_path)
    assert (tmp_path / "vary/environment").read_text() == (
        "TZ\n\nAsia/Kathmandu\nLC_ALL\nC.UTF-8\ntr_TR.UTF-8\nLOCPATH\n/base\n/cloche-vary/locale\n"
    )
    assert (tmp_path / "preload").read_text() == "/cloche-vary/libvary.so\n"
    assert call.options[:2] == ("--option", "sandbox-paths")
    mounts = call.options[2]
    assert isinstance(mounts, bytes)
    # The base's loader calls the file by a name that no machine has.
    assert b"/\xff\xff\xff/\xff\xff.\xff\xff.\xff\xff\xff\xff\xff\xff\xff=" in mounts


def test_report() -> None:
    finding = Finding(A, State.DIFFERENT, ["date", "date", "cores"], OUT, "-1\n+2")
    good = run.Verdict(attribute="good", derivation=B, state=State.IDENTICAL, derivations=2, findings=())
    bad = run.Verdict(attribute="else", derivation=A, state=State.DIFFERENT, derivations=1, findings=(finding,))
    result = run.Result(verdicts=(good, bad), variations=("cores", "date"), left_out={"user": "only root"})
    assert not result.identical
    assert report.as_text(result) == (
        "good  identical (2 derivations built again)\n"
        "else  different: a\n"
        "\n"
        "a: different (cores, date)\n"
        "  -1\n"
        "  +2\n"
        "\n"
        "varied: cores, date\n"
        "not varied: user (only root)"
    )
    data = json.loads(report.as_json(result))
    assert data["outputs"][1]["findings"][0]["causes"] == ["cores", "date"]
    assert data["notVaried"] == {"user": "only root"}
