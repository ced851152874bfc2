"""`cloche regress` on the command line."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from cloche.telemetry import address

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
    from cloche.regression import report, rules  # noqa: PLC0415
    from cloche.results import readers  # noqa: PLC0415

    chosen = rules.load(rules_file) if rules_file else rules.Rules()
    day = (today or datetime.now(UTC)).date()
    found = comparing.compare(readers.read(baseline), readers.read(current), chosen, day)
    click.echo(report.dumps(found) if as_json else report.as_text(found), nl=False)
    sys.exit(0 if found.verdict in comparing.PASSED else 1)


@regress.command()
@click.option(
    "--store",
    type=address.TYPE,
    default=address.default,
    show_default=f"{address.VARIABLE}, else {address.DEFAULT}",
    help="The telemetry store: a file, or a URL of PostgreSQL.",
)
@click.option("--project", required=True, help="Whose experiments.")
@click.option("--experiment", help="Only this one.")
@click.option("--class", "platform", help="Only results of this platform class.")
@click.option(
    "--since", metavar="TIME", help="Only shifts from then on alarm (ISO 8601); the history before is still read."
)
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def drift(  # noqa: PLR0913 - click passes each option as an argument
    *,
    store: address.Address,
    project: str,
    experiment: str | None,
    platform: str | None,
    since: str | None,
    as_json: bool,
) -> None:
    """Look for changes of level in the history of experiments, up or down.

    The history is what `telemetry import` has stored of packages.regression. Exit code 1: a level has changed.
    """
    from cloche.regression import history  # noqa: PLC0415 - `cloche --help` must not load the verb's libraries
    from cloche.telemetry.reports import moment_of  # noqa: PLC0415
    from cloche.telemetry.store import opened, reading  # noqa: PLC0415

    moment = moment_of(since, "--since") if since else None
    with opened(store) as engine, reading(engine) as connection:
        found = history.look(connection, project=project, experiment=experiment, platform=platform, since=moment)
    data = history.as_data(found)
    click.echo(
        json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n" if as_json else history.as_text(found),
        nl=False,
    )
    sys.exit(1 if found.shifts else 0)
