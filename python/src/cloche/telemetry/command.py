"""`cloche telemetry` on the command line."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloche.errors import MISSHAPEN, ClocheError
from cloche.telemetry import address
from cloche.untrusted import toml
from cloche.untrusted.limits import LOCK
from cloche.untrusted.toml import BadTomlError

if TYPE_CHECKING:
    from cloche.telemetry.reports import ReportedRun
    from cloche.telemetry.sources import About

ORIGINS = ("real", "mutant", "imported")
STORE = click.option(
    "--store",
    type=address.TYPE,
    default=address.default,
    show_default=f"{address.VARIABLE}, else {address.DEFAULT}",
    help="A file for SQLite, or a URL of PostgreSQL.",
)


@click.group()
def telemetry() -> None:
    """Keep what tests did, and show what they cost."""


@telemetry.command("import")
@STORE
@click.option("--project", help="What the runs belong to. Default: the name in ./pyproject.toml.")
@click.option("--origin", type=click.Choice(ORIGINS), help="Default: real; imported for JUnit XML and histories.")
@click.option("--commit", help="The commit that was tested.")
@click.option("--branch", help="The branch that was tested.")
@click.option("--at", metavar="TIME", help="When runs ended that have no time of their own (ISO 8601). Default: now.")
@click.option(
    "--values",
    multiple=True,
    metavar="PATH",
    help="Which numbers of results are kept (docs/regression.md). Default: all.",
)
@click.option("--reduce", "reduced", type=click.Choice(["people", "paths"]), multiple=True, help="What is not stored.")
@click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path))
def import_(  # noqa: PLR0913 - click passes each option as an argument
    *,
    store: address.Address,
    project: str | None,
    origin: str | None,
    commit: str | None,
    branch: str | None,
    at: str | None,
    values: tuple[str, ...],
    reduced: tuple[str, ...],
    sources: tuple[Path, ...],
) -> None:
    """Store runs of tests, results of experiments and benchmarks, and changes.

    SOURCES are recordings (packages.test-results), results (packages.regression and
    packages.performance), files of the pytest plugin (.jsonl),
    JUnit XML (.xml), histories (.csv, .parquet) and git repositories. What is stored already is not stored again.
    """
    from cloche.telemetry.git_changes import read_changes  # noqa: PLC0415 - `cloche --help` must not load the libraries
    from cloche.telemetry.importing import Reduction, store_runs  # noqa: PLC0415
    from cloche.telemetry.reports import microseconds, moment_of  # noqa: PLC0415
    from cloche.telemetry.results import folders, store_result  # noqa: PLC0415
    from cloche.telemetry.sources import About  # noqa: PLC0415
    from cloche.telemetry.store import opened  # noqa: PLC0415
    from cloche.telemetry.storing_changes import store_changes  # noqa: PLC0415

    moment = moment_of(at, "--at") if at else microseconds(datetime.now(UTC))
    about = About(project or _project(), moment, origin, commit, branch)
    reduction = Reduction(people="people" in reduced, paths="paths" in reduced)
    with opened(store, create=True) as engine:
        for source in sources:
            if (source / ".git").exists():
                new, known = store_changes(engine, read_changes(source, branch), about.project, reduction)
                click.echo(f"{source}: {new} changes are new, {known} were known")
                continue
            if found := folders(source):
                for folder in found:
                    new_result, numbers = store_result(engine, folder, about, list(values), reduction)
                    click.echo(f"{folder}: {numbers} numbers, {'stored' if new_result else 'known already'}")
                continue
            done = store_runs(engine, _holding(source, _runs(source, about)), reduction)
            click.echo(
                f"{source}: {done.new} runs are new, {done.known} were known, {done.continued} were continued; "
                f"{done.reported} executions reported, {done.stored} stored"
            )
            for key in done.cut_short:
                click.echo(f"{source}: the run {key} has no end; what there is of it is stored", err=True)


def _holding(source: Path, runs: "Iterable[ReportedRun]") -> "Iterator[ReportedRun]":
    """Yield runs; raise ClocheError, before any of them is stored, where none has an execution."""
    empty: list[ReportedRun] = []
    held = False
    for run in runs:
        if held or run.executions:
            yield from empty
            empty, held = [], True
            yield run
        else:
            empty.append(run)
    if not held:
        raise ClocheError(
            f"{source}: it holds no execution of a test, so nothing was imported; was the run that wrote it cut "
            "short, or did it\nselect no test?"
        )


def _runs(source: Path, about: "About") -> "Iterator[ReportedRun]":
    from cloche.telemetry.histories import read_history  # noqa: PLC0415
    from cloche.telemetry.sources import read_junit, read_lines, read_recording  # noqa: PLC0415

    if not source.exists():
        raise ClocheError(f"{source}: there is no such file or folder")
    if source.is_dir():
        return read_recording(source, about)
    readers = {".xml": read_junit, ".jsonl": read_lines, ".csv": read_history, ".parquet": read_history}
    if source.suffix not in readers:
        raise ClocheError(f"{source}: its name ends in none of {', '.join(readers)}")
    return readers[source.suffix](source, about)


def _project() -> str:
    try:
        name = toml.load(Path("pyproject.toml"), limit=LOCK)["project"]["name"]
    except (OSError, BadTomlError, *MISSHAPEN) as error:
        raise ClocheError(
            "no project: give --project NAME, or stand in a folder whose pyproject.toml has [project] name"
        ) from error
    return str(name)


@telemetry.command()
@STORE
@click.option("--project", "projects", multiple=True, help="Only these.")
@click.option("--origin", "origins", type=click.Choice(ORIGINS), multiple=True, help="Only these.")
@click.option("--top", default=10, show_default=True, type=click.IntRange(1), help="How long the lists are.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def stats(
    *, store: address.Address, projects: tuple[str, ...], origins: tuple[str, ...], top: int, as_json: bool
) -> None:
    """Show the slowest, flakiest, longest red and never failing tests, and the cost of each file."""
    from cloche.telemetry.stats import as_table, statistics  # noqa: PLC0415
    from cloche.telemetry.store import opened, reading  # noqa: PLC0415

    with opened(store) as engine, reading(engine) as connection:
        data = statistics(connection, projects=projects, origins=origins, top=top)
    click.echo(_json(data) if as_json else as_table(data), nl=False)


@telemetry.command()
@STORE
@click.option("--project", help="Default: the name in ./pyproject.toml.")
@click.option("--at", metavar="TIME", help="The moment as of which (ISO 8601). Default: now.")
@click.option("--commit", help="The change that they are asked for; it must have been imported from git.")
@click.option("--origin", "origins", type=click.Choice(ORIGINS), multiple=True, help="Which executions count.")
def features(
    *, store: address.Address, project: str | None, at: str | None, commit: str | None, origins: tuple[str, ...]
) -> None:
    """Write what was known of each test at a moment, one JSON object a line."""
    from dataclasses import asdict  # noqa: PLC0415

    from cloche.telemetry.features import features_as_of  # noqa: PLC0415
    from cloche.telemetry.reports import microseconds, moment_of  # noqa: PLC0415
    from cloche.telemetry.store import opened, reading  # noqa: PLC0415

    moment = moment_of(at, "--at") if at else microseconds(datetime.now(UTC))
    with opened(store) as engine, reading(engine) as connection:
        found = features_as_of(connection, project=project or _project(), moment=moment, commit=commit, origins=origins)
    for row in found:
        click.echo(json.dumps(asdict(row), sort_keys=True))


@telemetry.command()
@STORE
def migrate(*, store: address.Address) -> None:
    """Bring a store to this Cloche's schema."""
    from cloche.telemetry import store as stores  # noqa: PLC0415

    before, after = stores.migrate(store)
    click.echo(f"{store}: its schema is {after}" + ("" if before == after else f", and was {before}"))


@telemetry.command()
@STORE
@click.option("--run", "runs", multiple=True, metavar="KEY", help="These runs.")
@click.option("--project", "projects", multiple=True, help="Everything of these projects.")
@click.option("--before", metavar="TIME", help="Runs and changes that are older (ISO 8601).")
@click.option("--people", is_flag=True, help="The authors of changes and the names of hosts.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def forget(  # noqa: PLR0913 - click passes each option as an argument
    *,
    store: address.Address,
    runs: tuple[str, ...],
    projects: tuple[str, ...],
    before: str | None,
    people: bool,
    as_json: bool,
) -> None:
    """Remove what shall no longer be known."""
    from cloche.telemetry.forgetting import forget as remove  # noqa: PLC0415
    from cloche.telemetry.reports import moment_of  # noqa: PLC0415
    from cloche.telemetry.store import opened  # noqa: PLC0415

    if not (runs or projects or before or people):
        raise ClocheError("nothing chosen: say what to forget (--run, --project, --before, --people)")
    moment = moment_of(before, "--before") if before else None
    with opened(store) as engine, engine.begin() as connection:
        gone = remove(connection, runs=list(runs), projects=list(projects), before=moment, people=people)
    words = f"forgotten: {', '.join(f'{number} {what}' for what, number in gone.items())}\n"
    click.echo(_json(gone) if as_json else words, nl=False)


def _json(data: object) -> str:
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
