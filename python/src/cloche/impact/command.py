"""`cloche select-tests` on the command line."""

import sys
from pathlib import Path

import click


@click.command("select-tests")
@click.option(
    "--project",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    show_default=True,
    help="The folder where pytest is run.",
)
@click.option("--base", metavar="REV", help="Compare with this revision. Default: the merge base with the main branch.")
@click.option("--head", metavar="REV", help="Take the changes up to this revision instead of the working tree.")
@click.option(
    "--map",
    "map_file",
    type=click.Path(path_type=Path),
    default=".cloche/impact-map.json",
    show_default=True,
    help="The impact map, in the project's folder.",
)
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
    allow_empty: bool,
    pytest_arguments: tuple[str, ...],
) -> None:
    """Say which tests a change can affect, and why; the map of what each test runs is made with --record.

    What is not known selects more, up to everything. Exit codes: 0 tests were selected (with --run and --shadow: pytest's
    own), 5 no test was selected, 1 --record wrote no map, 2 wrong input, 3 there is no pytest.
    """
    _check_usage(record=record, run_them=run_them, shadow=shadow, head=head, words=pytest_arguments)
    from cloche.impact import run, verb  # noqa: PLC0415 - `cloche --help` must not load the verb's modules

    target = project / map_file
    if record:
        code = run.record(project, target, list(pytest_arguments))
        verb.report_recorded(target, _say)
        sys.exit(code)
    request = verb.Request(project, base, head, target, results, unrelated)
    answer = verb.answer(request, _say)
    if explain:
        for line in answer.explained():
            _say(line)
    text = answer.text(output_format)
    if output is not None:
        output.write_text(text)
    elif not (run_them or shadow):
        click.echo(text, nl=False)
    _say(answer.sentence())
    if shadow:
        sys.exit(verb.shadow(answer, project, list(pytest_arguments), _say))
    if run_them and not answer.empty:
        sys.exit(run.run(project, [*pytest_arguments, *answer.words()]))
    sys.exit(0 if allow_empty or not answer.empty else 5)


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
