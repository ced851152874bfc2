"""`cloche regress` on the command line."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

_FILE = click.Path(path_type=Path)


@click.group()
def regress() -> None:
    """Compare results of experiments, and look for drift."""


@regress.command()
@click.argument("baseline", type=_FILE)
@click.argument("current", type=_FILE)
@click.option("--rules", "rules_file", type=_FILE, help="Tolerances and waivers (docs/regression.md), TOML.")
@click.option("--json", "as_json", is_flag=True, help="Write the report as JSON.")
@click.option(
    "--today",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="The day on which waivers are judged. Default: today, in UTC.",
)
def compare(*, baseline: Path, current: Path, rules_file: Path | None, as_json: bool, today: datetime | None) -> None:
    """Compare two files of results, leaf by leaf: JSON, NPZ, CSV or Parquet.

    The report goes to standard output. Exit code 1: the results have regressed, or samples are too small to show anything.
    """
    from cloche.regression import compare as comparing  # noqa: PLC0415 - `cloche --help` must not load the verb's libraries
    from cloche.regression import readers, report, rules  # noqa: PLC0415

    chosen = rules.load(rules_file) if rules_file else rules.Rules()
    day = (today or datetime.now(UTC)).date()
    found = comparing.compare(readers.read(baseline), readers.read(current), chosen, day)
    click.echo(report.dumps(found) if as_json else report.as_text(found), nl=False)
    sys.exit(0 if found.verdict in comparing.PASSED else 1)
