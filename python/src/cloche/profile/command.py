"""`cloche profile` on the command line."""

from pathlib import Path

import click


@click.group()
def profile() -> None:
    """Sample where experiments and slow tests spend their time."""


@profile.command()
@click.option(
    "--base", metavar="REV", help="The revision to compare with, as git names it. Default: the option cloche.base."
)
@click.option("--directory", default=".", hidden=True, help="Where the project lies below the flake's folder.")
def revision(*, base: str | None, directory: str) -> None:
    """Profile the flake where you stand, beside another revision of it; show the tables and where the flame graphs are."""
    from cloche.performance import revisions  # noqa: PLC0415 - `cloche --help` must not load what a verb needs

    folder = revisions.flake(Path.cwd())
    other = revisions.base(folder, directory, base) if base is not None else None
    found = revisions.built(folder, "profile", other)
    for each in sorted(found.iterdir()):
        click.echo(f"== {each}\n{(each / 'profile.txt').read_text(encoding='utf-8')}", nl=False)
