"""`cloche sign` on the command line."""

from pathlib import Path

import click

from cloche.sign.options import key_options, password_options


@click.command()
@click.argument("statements", type=click.Path(path_type=Path), nargs=-1, required=True, metavar="STATEMENT...")
@click.option(
    "--output", type=click.Path(file_okay=False, path_type=Path), required=True, help="The folder for signatures."
)
@key_options("", "to sign with; without one, an identity is asked for (sigstore)")
@password_options
def sign(  # noqa: PLR0913 - click passes each option as an argument
    *,
    statements: tuple[Path, ...],
    output: Path,
    key_file: Path | None,
    key_fd: int | None,
    key_env: str | None,
    password_fd: int | None,
    password_env: str | None,
) -> None:
    """Sign STATEMENTs: files, or folders such as packages.provenance.

    For each, NAME.dsse.json (a bare envelope, by key only) and NAME.sigstore.json (a bundle) are written.
    """
    from cloche.sign import options, run  # noqa: PLC0415 - `cloche --help` must not load the verb's libraries

    key = options.key(key_file, key_fd, key_env, password_fd, password_env)
    for item in run.sign(statements, output, key):
        for path in item.files:
            click.echo(path)
