"""`cloche select-tests` on the command line."""

import os
import re
import sys
from pathlib import Path

import click

from cloche.errors import ClocheError, ExitCode
from cloche.selection.impact import options
from cloche.store import write
from cloche.telemetry.address import Address


def seconds_of(_context: click.Context, _option: click.Parameter, value: str | None) -> float | None:
    """Return the seconds of a time, "60", or with its unit, "60s", "5m", "1h"."""
    if value is None:
        return None
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([smh]?)", value)
    if found is None or float(found[1]) == 0:
        message = f"{value!r} is no time, such as 60s, 5m or 1h"
        raise click.BadParameter(message)
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]


@click.command("select-tests")
@options.project
@click.option("--base", metavar="REV", help="Compare with this revision. Default: the merge base with the main branch.")
@click.option("--head", metavar="REV", help="Take the changes up to this revision instead of the working tree.")
@options.map_file
@click.option("--record", is_flag=True, help="Run all tests and write the map. Words after -- go to pytest.")
@click.option(
    "--results",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JUnit XML or outcomes.json of the last run (repeatable): what failed in it is selected.",
)
@click.option(
    "--unrelated",
    multiple=True,
    metavar="GLOB",
    help="Files that no test depends on (repeatable); other unknown files select everything.",
)
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["pytest", "json", "github"]),
    default="pytest",
    show_default=True,
    help="Test ids by line, all that is known, or lines for GITHUB_OUTPUT.",
)
@click.option("--output", type=click.Path(path_type=Path), help="Write there instead of to standard output.")
@click.option("--explain", is_flag=True, help="Write each test's reasons to standard error.")
@click.option("--run", "run_them", is_flag=True, help="Run the selection. Words after -- go to pytest.")
@click.option("--shadow", is_flag=True, help="Run everything, and count what the selection would have missed.")
@click.option(
    "--shadow-runs",
    type=click.IntRange(0),
    default=20,
    show_default=True,
    help="So many shadow runs with failures before --run trusts the selection; until then it does as --shadow.",
)
@click.option(
    "--recall",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="The share of changes with failures that the model's choice must catch.",
)
@click.option("--budget", metavar="TIME", callback=seconds_of, help="At most so much time of tests, such as 60s or 5m.")
@click.option(
    "--model",
    "model_folder",
    type=click.Path(path_type=Path),
    help="A model of `cloche train`. Default: .cloche/models in the project's folder, if it is there.",
)
@options.store
@click.option("--allow-empty", is_flag=True, help="Exit with 0 and not with 5 when no test is selected.")
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def select_tests(  # noqa: PLR0913 - click passes each option as an argument
    *,
    project: Path,
    base: str | None,
    head: str | None,
    map_file: Path,
    record: bool,
    results: tuple[Path, ...],
    unrelated: tuple[str, ...],
    output_format: str,
    output: Path | None,
    explain: bool,
    run_them: bool,
    shadow: bool,
    shadow_runs: int,
    recall: float,
    budget: float | None,
    model_folder: Path | None,
    store: Address | None,
    allow_empty: bool,
    pytest_arguments: tuple[str, ...],
) -> None:
    """Say which tests a change can affect, and why; the map of what each test runs is made with --record.

    What is not known selects more, up to everything. Exit codes: 0 tests were selected (with --run and --shadow: pytest's
    own), 5 no test was selected, 1 --record wrote no map, 2 wrong input, 3 there is no pytest.
    """
    _check_usage(record=record, run_them=run_them, shadow=shadow, head=head, words=pytest_arguments)
    from cloche.selection.impact import run, verb  # noqa: PLC0415 - `cloche --help` must not load the verb's modules
    from cloche.selection.impact.verdict import plain  # noqa: PLC0415

    target = project / map_file
    if record:
        code = run.record(project, target, list(pytest_arguments))
        verb.report_recorded(target, _say)
        sys.exit(code)
    request = verb.Request(project, base, head, target, results, unrelated)
    answer = verb.answer(request, _say)
    default = project / ".cloche/models"
    models = model_folder if model_folder is not None else default if default.exists() else None
    shadow = shadow or (run_them and shadow_runs > 0)
    if models is None and budget is None and not shadow:
        verdict, session = plain(answer), None
    else:
        try:
            from cloche.selection.learned.session import Session  # noqa: PLC0415 - NumPy, SciPy and SQLAlchemy take their time
        except ImportError as error:
            raise ClocheError(
                f"models, budgets and shadow runs need libraries that are not here ({error.name}): install "
                "Cloche's groups learn and\ntelemetry, or take nix run .#select-tests; --run --shadow-runs 0 needs "
                "none of them",
                ExitCode.ENVIRONMENT_LACKS,
            ) from error

        session = Session(project, store, models, recall, budget)
        verdict = session.verdict(answer)
    if explain:
        for line in verdict.explained():
            _say(line)
    text = verdict.text(output_format)
    if output is not None:
        write.file(output, text)
    elif not (run_them or shadow):
        _write(text)
    _say(verdict.sentence())
    if session is not None and shadow and not (run_them and session.trusted(shadow_runs, _say)):
        sys.exit(session.shadow(verdict, pytest_arguments, _say))
    if run_them and not verdict.empty:
        sys.exit(run.run(project, [*pytest_arguments, *verdict.words()]))
    sys.exit(0 if allow_empty or not verdict.empty else 5)


def _write(text: str) -> None:
    if sys.stdout.isatty():
        click.echo(text, nl=False)
    else:
        # For a program, which needs the names as they are.
        sys.stdout.buffer.write(os.fsencode(text))


def _check_usage(*, record: bool, run_them: bool, shadow: bool, head: str | None, words: tuple[str, ...]) -> None:
    if sum((record, run_them, shadow)) > 1:
        message = "--record, --run and --shadow exclude each other"
        raise click.UsageError(message)
    if words and not (record or run_them or shadow):
        message = "words for pytest need --record, --run or --shadow"
        raise click.UsageError(message)
    if head is not None and (run_them or shadow):
        message = "--head only tells; --run and --shadow run the working tree"
        raise click.UsageError(message)


def _say(line: str) -> None:
    click.echo(line, err=True)
