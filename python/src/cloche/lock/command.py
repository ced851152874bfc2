"""`cloche lock` on the command line."""

from pathlib import Path

import click


@click.command()
@click.option(
    "--project",
    "directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    show_default=True,
    help="The folder with pyproject.toml.",
)
@click.option(
    "--system",
    "systems",
    multiple=True,
    metavar="SYSTEM",
    help="Lock for this system (repeatable). Default: those in cloche.lock, else x86_64-linux and aarch64-linux.",
)
@click.option(
    "--python",
    "pythons",
    multiple=True,
    metavar="X.Y",
    help="Lock for this Python (repeatable). Default: those in cloche.lock, else the lowest that fits.",
)
@click.option(
    "--sdist", "sdists", multiple=True, metavar="NAME", help="Build this package from its sdist (repeatable)."
)
@click.option("--no-sdist", is_flag=True, help="Forget the packages that cloche.lock builds from sdists by choice.")
@click.option(
    "--roles",
    metavar="NAMES",
    help="The toolchain's roles that the configuration uses, separated by blanks. Default: those in cloche.lock.",
)
@click.option("--upgrade", is_flag=True, help="Move to the newest versions instead of keeping those in cloche.lock.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 when cloche.lock is stale, and say why.")
def lock(  # noqa: PLR0913 - click passes each option as an argument
    *,
    directory: Path,
    systems: tuple[str, ...],
    pythons: tuple[str, ...],
    sdists: tuple[str, ...],
    no_sdist: bool,
    roles: str | None,
    upgrade: bool,
    check: bool,
) -> None:
    """Write cloche.lock: the exact files, by hash, of every environment of a project.

    A uv.lock, poetry.lock, pylock.toml or hash-pinned requirements.txt is obeyed; without one, uv
    resolves. Indexes come from pip's configuration.
    """
    from cloche.lock import run  # noqa: PLC0415 - `cloche --help` must not load the verb's libraries

    options = run.Options(
        systems=systems,
        pythons=pythons,
        sdists=sdists,
        keep_sdists=not no_sdist,
        roles=None if roles is None else tuple(roles.split()),
        upgrade=upgrade,
    )
    if check:
        run.check(directory, options, _report)
    else:
        run.write(directory, options, _report)


def _report(line: str) -> None:
    click.echo(line, err=True)
