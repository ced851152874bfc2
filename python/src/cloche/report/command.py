"""`cloche report` on the command line."""

import json
import webbrowser
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from cloche.store import write as whole
from cloche.telemetry import address
from cloche.untrusted import strict_json
from cloche.untrusted.limits import REPORT

_FILE = click.Path(path_type=Path)


@click.command()
@click.option("--output", type=_FILE, default=Path(".cloche/report"), show_default=True, help="The folder to write.")
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
@click.option("--project", "name", help="The project's name. Default: as the flake has it.")
@click.option("--tests", type=_FILE, help="packages.test-results: a folder with outcomes.json.")
@click.option("--durations", type=_FILE, help="durations.json of its output `log`.")
@click.option("--selection", type=_FILE, help="packages.test-selection, or what select-tests --format json wrote.")
@click.option("--lint", type=_FILE, help="checks.lint.record: a folder with commands.json.")
@click.option("--types", type=_FILE, help="checks.types.record: a folder with commands.json.")
@click.option("--chaos", "recordings", type=_FILE, multiple=True, help="A packages.chaos-results-SEED (repeatable).")
@click.option("--regression", type=_FILE, help="packages.regression.")
@click.option("--performance", type=_FILE, help="packages.performance.")
@click.option("--profile", type=_FILE, help="packages.profile.")
@click.option("--sbom", type=_FILE, help="packages.sbom: a folder with sbom.cdx.json.")
@click.option("--audit", type=_FILE, help="What `audit --json` printed.")
@click.option("--provenance", type=_FILE, help="packages.provenance.")
@click.option("--reproduce", type=_FILE, help="What `reproduce --json` printed.")
@click.option("--history", type=_FILE, help="What --save-history wrote, in place of a store.")
@click.option(
    "--store",
    type=address.TYPE,
    default=address.of_environment,
    show_default=f"{address.VARIABLE}, else {address.DEFAULT} where there is one",
    help="The telemetry store that the history is taken from: a file, or a URL of PostgreSQL.",
)
@click.option("--save-history", "saved", type=_FILE, help="Write the store's history to this file, and end.")
@click.option("--sources", "described", type=click.Path(exists=True, dir_okay=False, path_type=Path), hidden=True)
def report(  # noqa: PLR0913 - click passes each option as an argument
    *,
    output: Path,
    show: bool,
    name: str | None,
    tests: Path | None,
    durations: Path | None,
    recordings: tuple[Path, ...],
    history: Path | None,
    store: address.Address | None,
    saved: Path | None,
    described: Path | None,
    **given: Path | None,
) -> None:
    """Write one report of all that is known: index.html, report.md and report.json.

    By `nix run .#report` the artifacts are those of the flake where you stand, and each option adds one or replaces it.
    """
    # `cloche --help` must not load the verb's libraries.
    from cloche.report import sources, write  # noqa: PLC0415
    from cloche.report.chaos import Chaos  # noqa: PLC0415
    from cloche.report.gather import gather  # noqa: PLC0415
    from cloche.report.tests import Tests  # noqa: PLC0415

    project, where = sources.of_data(EMPTY if described is None else strict_json.load(described, limit=REPORT))
    project = replace(project, name=name or project.name)
    if store is None and history is None and Path(address.DEFAULT).exists():
        store = address.Address(address.DEFAULT)
    if saved is not None:
        whole.file(saved, _text(_history(store or address.Address(address.DEFAULT), project.name)))
        click.echo(f"wrote {saved}", err=True)
        return
    if tests is not None or durations is not None:
        known = where.tests or Tests(Path())
        where = replace(where, tests=replace(known, results=tests or known.results, durations=durations))
    if recordings:
        known_chaos = where.chaos or Chaos([], FLOOR)
        where = replace(where, chaos=replace(known_chaos, recordings=list(recordings)))
    named: dict[str, Any] = {key: path for key, path in given.items() if path is not None}
    where = replace(where, **named)
    if history is not None:
        where = replace(where, history=history)
    elif store is not None:
        where = replace(where, history=_history(store, project.name), history_from=str(store))
    made, files = gather(project, where)
    write.write(output, made, files)
    page = output / "index.html"
    click.echo(page)
    if show and not webbrowser.open(page.resolve().as_uri()):
        click.echo(f"no browser could be started; open {page} yourself", err=True)


# The floor of cloche.chaos where no flake says another.
FLOOR = 0.9
EMPTY: dict[str, Any] = {
    "project": {"name": "project", "version": None, "revision": None},
    **dict.fromkeys(
        (
            *("tests", "selection", "lint", "types", "chaos", "regression", "performance", "profile", "sbom", "audit"),
            *("provenance", "reproduce", "history"),
        )
    ),
}


def _text(value: object) -> str:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _history(store: address.Address, project: str) -> dict[str, Any]:
    from cloche.report.history_store import export  # noqa: PLC0415 - only where there is a store
    from cloche.telemetry.store import opened, reading  # noqa: PLC0415

    with opened(store) as engine, reading(engine) as connection:
        return export(connection, project)
