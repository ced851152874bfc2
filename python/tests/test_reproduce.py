"""What the hashes of two stores say, and what is said to people about it.

Real builds under real variations, failures and full disks: tests/test_reproduce.py of the repository.
"""

import json
import os
from pathlib import Path

import pytest

from cloche.errors import ClocheError
from cloche.reproduce import report, run, variations
from cloche.reproduce.again import compared, given, untainted
from cloche.reproduce.compare import Finding
from cloche.reproduce.nix import Derivation, State, below, closure_of, nar_hashes
from cloche.reproduce.rebuilt import RebuiltOutput

A, B, C, D = (f"/nix/store/{letter * 32}-{letter}.drv" for letter in "abcd")
OUT, LOG = f"/nix/store/{'e' * 32}-a", f"/nix/store/{'f' * 32}-a-log"
# One with a log, what is made from its outcomes, what is made from its log, and what is made from both of these.
RESULTS = Derivation(A, {"out": OUT, "log": LOG}, {}, fixed=False)
JUDGED = Derivation(B, {"out": "/nix/store/b"}, {A: ("out",)}, fixed=False)
JOINED = Derivation(C, {"out": "/nix/store/c"}, {A: ("log", "out")}, fixed=False)
TOP = Derivation(D, {"out": "/nix/store/d"}, {B: ("out",), C: ("out",)}, fixed=False)
DERIVATIONS = {each.path: each for each in (RESULTS, JUDGED, JOINED, TOP)}
HERE = {path: "sha256-1" for each in DERIVATIONS.values() for path in each.outputs.values()}


def test_both_outputs_are_compared_and_neither_hides_the_other() -> None:
    assert compared(RESULTS, HERE, HERE).state is State.IDENTICAL
    for different, state in (((OUT,), State.DIFFERENT), ((LOG,), State.IDENTICAL), ((OUT, LOG), State.DIFFERENT)):
        outcome = compared(RESULTS, HERE, HERE | dict.fromkeys(different, "sha256-2"))
        assert outcome.state is state
        assert outcome.different == tuple(path for path in different if path != LOG)
    # Of the same name, but there is nothing else that could be compared.
    alone = Derivation(A, {"log": LOG}, {}, fixed=False)
    assert compared(alone, HERE, {LOG: "sha256-2"}).different == (LOG,)


@pytest.mark.parametrize("missing", [OUT, LOG])
def test_an_output_without_a_hash_is_unknown(missing: str) -> None:
    some = {path: digest for path, digest in HERE.items() if path != missing}
    outcome = compared(RESULTS, HERE, some)
    assert (outcome.state, outcome.text) == (State.UNKNOWN, f"it was not built again: there is no {missing}")
    outcome = compared(RESULTS, some, HERE)
    assert (outcome.state, outcome.text) == (State.UNKNOWN, f"this store does not have {missing}")
    # Nor is it the same because the other one differs.
    assert compared(RESULTS, HERE, {}).state is State.UNKNOWN


def test_what_was_made_from_other_bytes_is_not_judged_yet() -> None:
    assert untainted(DERIVATIONS, HERE, HERE) == [A, B, C, D]
    # Durations reach what is made from the log, though they are no difference.
    assert untainted(DERIVATIONS, HERE, HERE | {LOG: "sha256-2"}) == [A, B]
    assert untainted(DERIVATIONS, HERE, HERE | {OUT: "sha256-2"}) == [A]
    # By way of something that came out the same.
    assert untainted(DERIVATIONS, HERE, HERE | {"/nix/store/b": "sha256-2"}) == [A, B, C]
    assert untainted(DERIVATIONS, HERE, {}) == [A]
    # What is not among them comes from this store.
    assert untainted({B: JUDGED, D: TOP}, HERE, HERE | {OUT: "sha256-2"}) == [B, D]
    assert given([JUDGED, JOINED, TOP], DERIVATIONS) == [OUT, LOG]


BASE = "/nix/store/j45xjjlqb1w5z8fsvbzc6klw8fxnmfdm-cloche-base"
NONE = f"/nix/store/{'a' * 32}-none"
HASH = "sha256-PDET3bRTa7QboIRxFR1Z/HlnL0f48lBAuKiTEO85Pgk="
# As they print it, one valid path and one that is not; 2.34 is asked for form 1.
PRINTED = {
    "2.26.3": f"""{{"{NONE}":null,"{BASE}":{{"ca":null,"deriver":"/nix/store/4dy21gmg6gzhfw3k4p3ahjfwcqlsh5n2-cloche-base.drv","narHash":"{HASH}","narSize":73116320,"references":["{BASE}"],"registrationTime":1796072658,"signatures":[],"ultimate":true}}}}""",
    "2.34.8": f"""{{"{NONE}":null,"{BASE}":{{"ca":null,"deriver":"/nix/store/4dy21gmg6gzhfw3k4p3ahjfwcqlsh5n2-cloche-base.drv","narHash":"{HASH}","narSize":73116320,"references":["{BASE}"],"registrationTime":1796072658,"signatures":[],"storeDir":"/nix/store","ultimate":true,"version":1}}}}""",
}


@pytest.mark.parametrize("version", PRINTED)
def test_hashes_that_nix_prints(version: str) -> None:
    assert nar_hashes(PRINTED[version], [BASE, NONE]) == {BASE: HASH}


@pytest.mark.parametrize(
    "printed",
    [
        "",
        "[]",
        "{}",
        '{"info":{"j45xjjlqb1w5z8fsvbzc6klw8fxnmfdm-cloche-base":{"narHash":"sha256-x"}},"version":2}',
        f'[{{"path":"{BASE}","narHash":"{HASH}"}}]',
        f'{{"{BASE}":{{"narHash":{{"algorithm":"sha256","format":"base64","hash":"x"}}}}}}',
        f'{{"{BASE}":{{"narHash":"3c3113ddb4536bb41ba08471151d59fc79672f47f8f25040b8a89310ef393e09"}}}}',
        f'{{"{BASE}":{{}}}}',
        f'{{"{BASE}":true}}',
    ],
)
def test_any_other_form_is_no_verdict(printed: str) -> None:
    with pytest.raises(ClocheError, match="`nix path-info --json` printed what this Cloche cannot read") as ended:
        nar_hashes(printed, [BASE])
    assert ended.value.exit_code == 3


def derivation(outputs: str, inputs: str = "", variables: str = "") -> str:
    return f'Derive([{outputs}],[{inputs}],[],"x","/bin/sh",[],[{variables}])'


def test_derivations_are_read_from_their_files(tmp_path: Path) -> None:
    source, measured, top = (tmp_path / f"{name}.drv" for name in ("source", "measured", "top"))
    source.write_text(derivation('("out","/nix/store/s","r:sha256","00")'))
    measured.write_text(derivation('("out","/nix/store/m","","")', variables=r'("__json","{\"measurement\":true}")'))
    top.write_text(
        derivation(
            '("log","/nix/store/l","",""),("out","/nix/store/t","","")', f'("{measured}",["out"]),("{source}",["out"])'
        )
    )
    known = closure_of([str(top)])
    assert known[str(top)] == Derivation(
        str(top),
        {"log": "/nix/store/l", "out": "/nix/store/t"},
        {str(measured): ("out",), str(source): ("out",)},
        fixed=False,
    )
    assert (known[str(source)].fixed, known[str(measured)].measurement) == (True, True)
    # Sources are not built.
    assert below(str(top), known) == [str(measured), str(top)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot be read; Nix says:\nNo such file or directory; is the store at another place on this disk? Then run this by `nix run`"),
        ("{}", "is no derivation that this Cloche can read; Nix says:\nit begins with '{}' instead of 'Derive('"),
        (derivation('("out","","r:sha256","")'), "cannot be built again and compared; Nix says:\nits outputs have no path before they are built"),
    ],
)  # fmt: skip
def test_a_derivation_that_cannot_be_read_is_no_verdict(tmp_path: Path, text: str | None, words: str) -> None:
    path = tmp_path / "a.drv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ClocheError) as ended:
        closure_of([str(path)])
    assert ended.value.message.startswith(f"{path} {words}")


def test_links_of_a_rebuilt_output_stay_in_its_store(tmp_path: Path) -> None:
    output = tmp_path / "nix/store/a"
    (output / "sub").mkdir(parents=True)
    (tmp_path / "nix/store/b/sub").mkdir(parents=True)
    (tmp_path / "nix/store/b/sub/file").touch()
    (output / "file").symlink_to("/nix/store/b/sub/file")
    (output / "folder").symlink_to("../b/sub")
    (output / "up").symlink_to("../../../../../../nix/store/b/sub")
    (output / "circle").symlink_to("circle")
    made = RebuiltOutput(A, "/nix/store/a", tmp_path, "", {})
    for name in ("file", "folder/file", "up/file"):
        assert made.place(Path(made.path, name)) == tmp_path / "nix/store/b/sub/file"
    assert made.place(Path(made.path, "none")) == output / "none"
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        made.place(Path(made.path, "circle"))


def test_names_of_variations(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ClocheError, match="there is no variation 'moon'; there are cores, date, "):
        run.chosen(run.Request(flake=".", variations=("moon",)))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ClocheError) as ended:
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
    finding = Finding(A, State.DIFFERENT, ["date", "date", "cores"], (OUT,), "-1\n+2")
    good = run.Verdict(
        attribute="good", derivation=B, state=State.IDENTICAL, derivations=2, findings=(), measurements=(C,)
    )
    bad = run.Verdict(attribute="else", derivation=A, state=State.DIFFERENT, derivations=1, findings=(finding,))
    result = run.Result(verdicts=(good, bad), variations=("cores", "date"), left_out={"user": "only root"})
    assert not result.identical
    assert report.as_text(result) == (
        "good  identical (2 derivations built again; measured, not built again: c)\n"
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
    assert data["outputs"][0]["measurements"] == [C]


def test_only_what_was_compared_is_identical() -> None:
    def verdict(state: State) -> run.Verdict:
        return run.Verdict(attribute="a", derivation=A, state=state, derivations=1, findings=())

    def identical(*states: State) -> bool:
        return run.Result(verdicts=tuple(map(verdict, states)), variations=(), left_out={}).identical

    assert identical(State.IDENTICAL, State.NOT_COMPARED)
    for states in (
        (),
        (State.NOT_COMPARED,),
        (State.IDENTICAL, State.UNKNOWN),
        (State.DIFFERENT,),
    ):
        assert not identical(*states)
