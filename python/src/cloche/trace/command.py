"""`cloche trace-tests` on the command line."""

from pathlib import Path

import click


@click.command("trace-tests")
@click.option(
    "--project",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    show_default=True,
    help="The project's folder, where cloche-tests.json is written.",
)
@click.option("--flake", default=".", show_default=True, help="The flake that builds the project.")
@click.option("--no-compare", is_flag=True, help="Do not run the tests in the whole tree and in batches afterwards.")
def trace_tests(*, project: Path, flake: str, no_compare: bool) -> None:
    """Find out what each test file needs, and write cloche-tests.json.

    Every test file is run by itself in the whole tree and traced; then all are run in the whole tree and in the batches
    of the new record, and compared. Exit codes: 0, 1 the tests are not the same in batches, 2 wrong input, 3 Nix
    cannot build.
    """
    from cloche.trace import run  # noqa: PLC0415 - `cloche --help` must not load the verb's libraries

    run.run(project, flake, lambda line: click.echo(line, err=True), compare=not no_compare)
