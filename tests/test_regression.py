"""Experiments of a consumer: run on a pinned platform, compared with a baseline, accepted by a person."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from conftest import ROOT, Ended, built, nix, run
from flakes import SYSTEM, add, write

SCRIPT = """import json
import sys

import numpy

matrix = numpy.random.default_rng(0).normal(size=(40, 40))
results = {"eigenvalues": numpy.linalg.eigvalsh(matrix @ matrix.T).tolist(), "error": 2.0, "note": "as published"}
json.dump(results, open("results.json", "w"))
"""
GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
NOBODY = {"CI": ""}
WHO = ["--who", "Ada <ada@example.org>"]


@pytest.fixture
def project(consumer: Path) -> Path:
    """Return a consumer with a quick experiment and no baseline."""
    file = consumer / "cloche.nix"
    text = file.read_text()
    start = text.index("    regression.search = {")
    end = text.index("    reproduce.enable")
    (consumer / "tests/experiment.nix").write_text(
        '{ command = [ "python" "experiments/spectrum.py" ]; files = [ "experiments" ]; }\n'
    )
    file.write_text(f"{text[:start]}    regression.spectrum = import ./tests/experiment.nix;\n{text[end:]}")
    return write(consumer, {"experiments/spectrum.py": SCRIPT})


def configure(project: Path, more: str) -> None:
    write(
        project,
        {
            "tests/experiment.nix": '{ command = [ "python" "experiments/spectrum.py" ]; files = [ "experiments" ]; '
            + more
            + " }\n"
        },
    )


def edit(project: Path, old: str, new: str, file: str = "experiments/spectrum.py") -> None:
    path = project / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    add(project)


def check(project: Path) -> Ended:
    return nix("build", "-L", "--no-link", "--no-write-lock-file", f".#checks.{SYSTEM}.regression", cwd=project)


def accept(project: Path, *arguments: str, **variables: str) -> Ended:
    return run(
        ROOT / "ci/nix",
        "run",
        "--no-write-lock-file",
        ".#accept",
        "--",
        *arguments,
        cwd=project,
        env={**NOBODY, **variables},
    )


def test_a_result_is_accepted_by_a_person_and_guarded_from_then_on(project: Path) -> None:
    folder = project / "tests/baselines/spectrum"
    # Over what this machine's git knows of its user.
    run("git", "config", "user.name", "", cwd=project)
    first = check(project)
    assert first.code == 1
    assert (
        "there is no baseline for x86-64-v2 (tests/baselines/spectrum/x86-64-v2.json); look at the result, then accept it: nix run .#accept -- spectrum --why '...'"
        in first.err
    )

    for arguments, variables, message in (
        (
            ["spectrum"],
            {},
            "say why the difference above is accepted: nix run .#accept -- spectrum --why '...'. Nothing is written.",
        ),
        (
            ["spectrum", "--why", "first"],
            {},
            "git has no user.name and user.email here, so say who accepts: --who 'NAME <ADDRESS>'. Nothing is written.",
        ),
        (
            ["spectrum", "--why", "first", *WHO],
            {"CI": "true"},
            "CI=true is set: a baseline is accepted by a person who has looked at the difference, not in continuous integration",
        ),
        (
            ["spektrum", "--why", "first", *WHO],
            {},
            "there is no experiment 'spektrum'; the flake's experiments are: spectrum",
        ),
    ):
        refused = accept(project, *arguments, **variables)
        assert (refused.code, f"error: {message}" in refused.err) == (2, True), refused.err
        assert not folder.exists()

    run("git", "config", "--unset", "user.name", cwd=project)
    done = accept(project, "spectrum", "--why", "first", *WHO)
    assert done.code == 0, done.err
    about = json.loads((folder / "x86-64-v2.accepted.json").read_text())
    assert (about["who"], about["why"], about["class"], about["experiment"]) == (
        "Ada <ada@example.org>",
        "first",
        "x86-64-v2",
        "spectrum",
    )
    assert about["platform"]["pools"][0]["kernel"] == "Nehalem"
    passed = check(project)
    assert passed.code == 0, passed.err
    again = accept(project, "spectrum", "--why", "again", *WHO)
    assert again.code == 0
    assert "spectrum: nothing to accept, the result is identical to the baseline" in again.out

    # A change beyond the tolerance, one within it, and one for the better.
    edit(project, '"error": 2.0', '"error": 2.0 + 1e-9')
    worse = check(project)
    assert worse.code == 1
    assert "spectrum: regressed" in worse.err
    assert "error: 2 -> 2.000000001 (off by 1e-09, accepted 1e-10: default)" in worse.err
    configure(project, 'tolerances = [ { path = "error"; absolute = 1.0e-8; } ];')
    within = check(project)
    assert within.code == 0, within.err
    assert "42 compared: 41 identical, 1 within tolerance, 0 changed; 0 missing, 0 extra, 0 ignored" in within.err
    configure(project, 'tolerances = [ { path = "error"; absolute = 1.0e-8; worse = "higher"; } ];')
    edit(project, "2.0 + 1e-9", "1.5")
    better = check(project)
    assert better.code == 0, better.err
    assert "spectrum has improved; make that the new baseline: nix run .#accept -- spectrum --why '...'" in better.err


def test_a_baseline_does_not_shrink_silently_or_change_by_hand(project: Path) -> None:
    assert accept(project, "spectrum", "--why", "first", *WHO).code == 0
    baseline = project / "tests/baselines/spectrum/x86-64-v2.json"
    before = baseline.read_bytes()
    edit(project, ', "note": "as published"', "")
    gone = check(project)
    assert (gone.code, "spectrum: regressed" in gone.err) == (1, True)
    refused = accept(project, "spectrum", "--why", "shorter", *WHO)
    assert refused.code == 2
    assert (
        "error: spectrum: the new baseline would hold less than the old one (1 values are missing), so less would be compared from then on. "
        "If that is meant, say so: --shrink. Nothing is written." in refused.err
    )
    assert baseline.read_bytes() == before
    assert accept(project, "spectrum", "--why", "shorter", "--shrink", *WHO).code == 0
    assert check(project).code == 0

    edit(project, '"error": 2.0', '"error": 3.0', "tests/baselines/spectrum/x86-64-v2.json")
    tampered = check(project)
    assert tampered.code == 1
    assert (
        "tests/baselines/spectrum/x86-64-v2.json is not the baseline that Ada <ada@example.org> accepted on "
        in tampered.err
    )

    # Nothing in common with the baseline is no agreement, and accepting that replaces everything.
    assert accept(project, "spectrum", "--why", "again", "--shrink", *WHO).code == 0
    edit(project, "json.dump(results", 'json.dump({"other": 1.0}')
    nothing = check(project)
    assert nothing.code == 1
    assert (
        "nothing was compared: they have no field in common (41 fields only in the baseline, 1 only in the current file)"
        in nothing.err
    )
    assert accept(project, "spectrum", "--why", "other", *WHO).code == 2


def test_waivers_are_judged_as_of_the_last_commit(project: Path) -> None:
    assert accept(project, "spectrum", "--why", "first", *WHO).code == 0
    edit(project, '"error": 2.0', '"error": 2.5')
    write(project, {"tests/waivers.toml": '[[waiver]]\npath = "error"\nreason = "issue 12"\nexpires = 2026-06-30\n'})
    configure(project, "waivers = ./waivers.toml;")
    for day, code in (("2026-06-30", 0), ("2026-07-01", 1)):
        dated = {"GIT_AUTHOR_DATE": f"{day}T12:00:00Z", "GIT_COMMITTER_DATE": f"{day}T12:00:00Z"}
        assert run(*GIT, "commit", "--allow-empty", "-qam", day, cwd=project, env=dated).code == 0
        ended = check(project)
        assert ended.code == code, ended.err
    assert "the waiver for error expired on 2026-06-30: issue 12" in ended.err


def test_pins_that_do_not_take_effect_are_an_error(project: Path) -> None:
    """An unknown kernel, features by names of another NumPy or C library, threads and hashes that the program sets itself."""
    configure(project, 'pins = { blas = "NoSuchCore"; numpy = [ "AVX2" ]; glibc = "-AVX2_Usable,-FMA_Usable"; };')
    again = "if os.environ['PYTHONHASHSEED'] != '5':\n    os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | {'PYTHONHASHSEED': '5'})\n"
    edit(
        project,
        "import numpy\n",
        f"import os\nimport numpy\nimport threadpoolctl\n{again}threadpoolctl.threadpool_limits(2)\n",
    )
    ended = check(project)
    assert ended.code == 1
    assert "cloche.regression.spectrum.pins did not take effect, so nothing is recorded:" in ended.err
    for fault in (
        ", not NoSuchCore",
        "has none called AVX2 to disable; it has ",
        "the C library's functions: hwcaps=-AVX2_Usable,-FMA_Usable changes none of their values, though the processor has FMA",
        " has 2, not 1",
        "the hash seed: texts have other hashes than with PYTHONHASHSEED=0",
    ):
        assert fault in ended.err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('command = [ "python" "-I" "experiments/spectrum.py" ];', "no Python process of the run said on which numeric platform it computed"),
        ('command = [ "python" "-c" "raise SystemExit(3)" ];', "cloche.regression.spectrum.command ended with 3; its words are above. Nothing is recorded."),
        ('command = [ "python" "-c" "" ];', "cloche.regression.spectrum.command wrote no results.json (option `result'); its words are above."),
        ('command = [ "spectrum" ];', "cloche.regression.spectrum.command: 'spectrum' cannot be started: No such file or directory; nothing is recorded."),
        ('variables.OMP_NUM_THREADS = "2";', "cloche.regression.spectrum.variables sets OMP_NUM_THREADS, which the pins set; use cloche.regression.spectrum.pins"),
        ('files = [ "experimens" ];', "cloche.regression.spectrum.files names experimens, which is not in "),
    ],
)  # fmt: skip
def test_what_is_no_result_is_not_stored(project: Path, more: str, message: str) -> None:
    names = more.partition(" ")[0]
    base = {"command": 'command = [ "python" "experiments/spectrum.py" ];', "files": 'files = [ "experiments" ];'}
    kept = " ".join(text for name, text in base.items() if name != names)
    write(project, {"tests/experiment.nix": f"{{ {kept} {more} }}\n"})
    ended = check(project)
    assert (ended.code, message in ended.err) == (1, True), ended.err


def test_an_edit_elsewhere_runs_no_experiment_again(project: Path) -> None:
    def of() -> str:
        ended = nix("eval", "--raw", "--no-write-lock-file", ".#regression.spectrum.run.drvPath", cwd=project)
        assert ended.code == 0, ended.err
        return ended.out

    before = of()
    write(project, {"docs/more.md": "more", "tests/baselines/spectrum/x86-64-v2.json": "{}", "tests/test_more.py": ""})
    configure(project, 'tolerances = [ { path = "error"; absolute = 1.0; } ];')
    assert of() == before
    edit(project, '"error": 2.0', '"error": 2.5')
    assert of() != before


MODELS = ["Nehalem-v1", "Haswell-v1", "Skylake-Server-v4", "EPYC-Milan-v1"]


@pytest.mark.slow
def test_the_example_computes_the_same_digits_on_other_processors(tmp_path: Path) -> None:
    """Natively and on emulated processors, bit for bit; without the pins, or without the C library's alone, it does not."""
    attribute = f"{ROOT / 'examples/branin'}#regression.search"
    result = Path(built(nix("build", "--no-link", "--print-out-paths", f"{attribute}.run")))
    environment = built(nix("build", "--no-link", "--print-out-paths", f"{attribute}.run.environment"))
    command = json.loads(nix("eval", "--json", f"{attribute}.run.command").out)
    pins = json.loads((result / "platform.json").read_text())["pins"]
    expected = (result / "result.json").read_bytes()
    plain = {"LC_ALL": "C.UTF-8", "HOME": str(tmp_path)}

    def computed(name: str, variables: dict[str, str], model: str | None) -> bytes:
        folder = tmp_path / name
        folder.mkdir()
        emulator = [] if model is None else [str(ROOT / "ci/qemu"), "-cpu", model]
        kept = {key: os.environ[key] for key in ("PATH", "CLOCHE_CACHE", "XDG_CACHE_HOME") if key in os.environ}
        words = [
            "env",
            "-i",
            *(f"{key}={value}" for key, value in {**kept, **plain, "HOME": os.environ["HOME"], **variables}.items()),
        ]
        ended = run(
            *words, *emulator, f"{environment}/bin/python", f"{environment}/bin/{command[0]}", *command[1:], cwd=folder
        )
        assert ended.code == 0, ended.err
        return (folder / "results.json").read_bytes()

    assert computed("native", pins, None) == expected
    for model in MODELS:
        assert computed(model, pins, model) == expected, model
    without_libm = {name: value for name, value in pins.items() if name != "GLIBC_TUNABLES"}
    threads = {name: pins[name] for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PYTHONHASHSEED")}
    # The control: this processor has FMA and AVX2 (else the two runs would be what they are with the pins).
    assert computed("without-libm", without_libm, None) != expected
    assert computed("without", threads, None) != expected


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "a b",
            'cloche.regression has an experiment called "a b"; a name begins with a letter and goes on with letters, digits, _ and -',
        ),
        (
            "name",
            "cloche.regression.name can't have this name: derivations have an attribute of that name; choose another",
        ),
    ],
)
def test_names_that_an_experiment_cannot_have(project: Path, name: str, message: str) -> None:
    edit(project, "regression.spectrum =", f'regression."{name}" =', "cloche.nix")
    ended = nix("build", "--no-link", "--no-write-lock-file", ".#regression", cwd=project)
    assert ended.code == 1
    assert message in ended.err


def test_accept_stands_in_the_project(project: Path) -> None:
    (project / "deep").mkdir()
    ended = run(
        ROOT / "ci/nix",
        "run",
        "--no-write-lock-file",
        "..#accept",
        "--",
        "spectrum",
        "--why",
        "x",
        *WHO,
        cwd=project / "deep",
        env=NOBODY,
    )
    assert ended.code == 2
    assert (
        f"error: {project}/deep has no pyproject.toml, so baselines don't belong there; stand in the project's folder, or name it: --project"
        in ended.err
    )
