"""Options that `cloche select-tests` and `cloche train` have in common."""

from pathlib import Path

import click

from cloche.telemetry import address

project = click.option(
    "--project",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    show_default=True,
    help="The folder where pytest is run.",
)
map_file = click.option(
    "--map",
    "map_file",
    type=click.Path(path_type=Path),
    default=".cloche/impact-map.json",
    show_default=True,
    help="The impact map, in the project's folder.",
)
store = click.option(
    "--store",
    type=address.TYPE,
    help="The telemetry. Default: CLOCHE_TELEMETRY, else .cloche/telemetry.sqlite in the project's folder.",
)
