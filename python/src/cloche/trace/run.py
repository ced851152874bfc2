"""From a flake to its cloche-tests.json."""

from collections.abc import Callable
from pathlib import Path

from cloche.errors import MISSHAPEN, ClocheError, ExitCode
from cloche.reproduce.nix import HERE, SYSTEM, ask
from cloche.store.git import make_known
from cloche.trace import needs
from cloche.trace.needs import bad_trace
from cloche.untrusted import limits, strict_json

TRACE = "trace.json"


def run(project: Path, flake: str, say: Callable[[str], None], *, compare: bool) -> None:
    """Trace the tests of a flake, write the record, and compare the batches with the whole; raises a ClocheError."""
    if not (project / "pyproject.toml").exists():
        raise ClocheError(
            f"{project} has no pyproject.toml; run this in the project's folder, or name it with --project"
        )
    target = project / needs.FILE
    say("running each test file by itself, traced ...")
    built = ask(
        "the tests cannot be traced",
        "build",
        "--no-link",
        "--print-out-paths",
        f"{flake}#legacyPackages.{SYSTEM}.tests-trace",
    ).strip()
    text = ask("the trace cannot be read", "store", "cat", f"{built}/{TRACE}")
    trace = strict_json.loads(text.encode(), what=TRACE, limit=limits.TELEMETRY)
    if not isinstance(trace, dict):
        raise bad_trace("it holds no object")
    former = strict_json.load(target, limit=limits.TELEMETRY) if target.exists() else {}
    try:
        data = needs.make(trace, project, former)
    except MISSHAPEN as error:
        raise bad_trace(f"it or {target} has a part of the wrong form ({type(error).__name__}: {error})") from error
    needs.write(data, target)
    if warning := make_known([target]):
        say(warning)
    say(f"{target}: {len(data['files'])} test files, {len(data['unused'])} files that no test needs")
    if not compare:
        return
    say("running all in the whole tree and in batches, to compare ...")
    done = HERE.run("build", "--no-link", "-L", f"{flake}#legacyPackages.{SYSTEM}.tests-compared")
    if done.returncode:
        raise ClocheError(
            f"{target} is written, but the tests are not the same in batches as in the whole tree:\n"
            f"{done.stderr.strip()}",
            ExitCode.CHECK_FAILED,
        )
    say("the tests are the same in batches as in the whole tree")
