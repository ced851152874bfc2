"""`cloche reproduce` on the command line."""

from pathlib import Path

import click

from cloche.untrusted import strict_json
from cloche.untrusted.limits import REPORT


@click.command()
@click.argument("attributes", metavar="[ATTRIBUTE]...", nargs=-1)
@click.option("--flake", default=".", show_default=True, help="The flake whose outputs are built again.")
@click.option(
    "--variation", "names", multiple=True, metavar="NAME", help="Vary only this (repeatable). Default: all that can be."
)
@click.option("--machine", metavar="ADDRESS", help="Another machine, as Nix addresses its store: ssh-ng://HOST.")
@click.option("--shallow", is_flag=True, help="Build only the outputs again, not what they are built from.")
@click.option("--json", "as_json", is_flag=True, help="Write the report as JSON.")
@click.option("--list", "only_list", is_flag=True, help="List the variations and end.")
@click.option("--settings", type=click.Path(exists=True, dir_okay=False, path_type=Path), hidden=True, required=True)
def reproduce(  # noqa: PLR0913 - click passes each option as an argument
    *,
    attributes: tuple[str, ...],
    flake: str,
    names: tuple[str, ...],
    machine: str | None,
    shallow: bool,
    as_json: bool,
    only_list: bool,
    settings: Path,
) -> None:
    """Build outputs again under other circumstances, and compare the bytes.

    Without an ATTRIBUTE all packages of the flake are built again, with everything that they are built from. Ends
    with 1 when something differs or cannot be built.
    """
    from cloche.reproduce import report, run  # noqa: PLC0415 - `cloche --help` must not load the verb's libraries

    if only_list:
        click.echo(report.listed(machine))
        return
    data = strict_json.load(settings, limit=REPORT)
    result = run.run(
        run.Request(flake=flake, attributes=attributes, variations=names, machine=machine, shallow=shallow),
        run.settings_of(data),
        lambda line: click.echo(f"reproduce: {line}", err=True),
    )
    click.echo(report.as_json(result) if as_json else report.as_text(result))
    if not result.identical:
        raise SystemExit(1)
