"""Shadow mode: run everything, see which failures the verdict would have let go, and keep the change as a row."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import Engine

from cloche.selection.impact import results
from cloche.selection.impact.run import run
from cloche.selection.impact.verdict import Verdict
from cloche.selection.learned.observation import observe
from cloche.selection.learned.ranking import Question
from cloche.selection.learned.rows import Row
from cloche.selection.learned.store import seen_of, store_rows
from cloche.telemetry.address import Address
from cloche.telemetry.store import reading


def missed_tests(failed: set[str], verdict: Verdict) -> set[str]:
    """Return the failed tests, as JUnit XML names them, that a verdict would not have run."""
    if verdict.everything is not None:
        return set()
    _, missed = results.match(failed, verdict.run)
    # A selected file or class stands for the tests in it.
    prefixes = {results.junit_name(test).removesuffix("::") for test in verdict.run if "::" not in test}
    return {name for name in missed if not any(name.startswith((f"{each}.", f"{each}::")) for each in prefixes)}


def shadow(  # noqa: PLR0913 - what is run, where, and who is told
    verdict: Verdict,
    question: Question,
    project: Path,
    arguments: Sequence[str],
    say: Callable[[str], None],
    *,
    engine: Engine,
    store: Address,
) -> int:
    """Run everything and keep what came of it; return pytest's exit code. Raises ClocheError."""
    with tempfile.TemporaryDirectory(prefix="cloche-shadow-") as name:
        report = Path(name, "junit.xml")
        code = run(project, [*arguments, f"--junit-xml={report}"])
        if code not in {0, 1} or not report.exists():
            say(f"shadow: pytest ended with {code}, so this run tells nothing of the selection and is not kept")
            return code
        failed = results.failed(report)
        took = results.seconds(report)
    missed = missed_tests(failed, verdict)
    for test in sorted(missed):
        say(f"missed: {test} failed and was not selected")
    evidence = verdict.answer.evidence
    if evidence is None:
        say("shadow: without a map there is no selection to judge, and this run is not kept")
        return code
    by_name = {results.junit_name(test): test for test in evidence.there}
    seconds = {by_name[each]: value for each, value in took.items() if each in by_name}
    seen = observe(verdict.answer, seconds)
    number = {test: index for index, test in enumerate(seen.tests)}
    known, _ = results.match(failed, seen.tests)
    selected = [number[test] for test in verdict.run if test in number]
    decision = {
        "model": verdict.model,
        "everything": verdict.everything is not None,
        "selected": sorted(selected),
        "failed": len(failed),
        "missed_some": bool(missed),
        "missed": bool(failed) and missed == failed,
    }
    row = Row(question.project, "real", question.at, seen, sorted(number[test] for test in known), decision=decision)
    store_rows(engine, [row], store)
    with reading(engine) as connection:
        say(seen_of(connection, question.project).sentence())
    return code
