"""`cloche sign` on the command line."""

import datetime as dt
from pathlib import Path

import click

from cloche.attest.key_options import key_options, password_options


@click.command()
@click.argument(
    "statements", type=click.Path(readable=False, path_type=Path), nargs=-1, required=True, metavar="STATEMENT..."
)
@click.option(
    "--output", type=click.Path(file_okay=False, path_type=Path), required=True, help="The folder for signatures."
)
@click.option(
    "--expires",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="For a layout: the day (UTC) at whose beginning it ends.",
)
@click.option(
    "--trust-config",
    type=click.Path(readable=False, path_type=Path),
    metavar="FILE",
    help="For an identity: the client trust configuration of your own Sigstore instance.",
)
@key_options("", "to sign with; without one, an identity is asked for (sigstore)")
@password_options
def sign(  # noqa: PLR0913 - click passes each option as an argument
    *,
    statements: tuple[Path, ...],
    output: Path,
    expires: dt.datetime | None,
    trust_config: Path | None,
    key_file: Path | None,
    key_fd: int | None,
    key_env: str | None,
    password_fd: int | None,
    password_env: str | None,
) -> None:
    """Sign STATEMENTs: files, or folders such as packages.provenance; or packages.in-toto, a layout with its links.

    For each, NAME.dsse.json (a bare envelope, by key only) and NAME.sigstore.json (a bundle) are written. For a layout,
    root.layout and STEP.KEYID.link.
    """
    from cloche.attest import key_options as options  # noqa: PLC0415 - `cloche --help` must not load the verb's libraries
    from cloche.sign import run  # noqa: PLC0415 - `cloche --help` must not load the verb's libraries

    key = options.key(key_file, key_fd, key_env, password_fd, password_env)
    if key is not None and trust_config is not None:
        message = "--trust-config is for signing by an identity, and a key was named"
        raise click.UsageError(message)
    end = None if expires is None else expires.replace(tzinfo=dt.UTC)
    wanted = run.Wanted(key, trust_config, end, tell=lambda words: click.echo(words, err=True))
    for path in run.sign(statements, output, wanted):
        click.echo(path)
