"""`cloche layout`: sign the links and the layout of packages.in-toto, so that in-toto-verify can check a delivery.

The layout lists the keys that may sign links and ends at a date: evidence that never ends would let an old release stand
for the newest for ever.
"""

import datetime as dt
import json
import tempfile
from pathlib import Path
from typing import Any

import click

from cloche.errors import ClocheError
from cloche.sign.options import key_options, password_options

# https://github.com/in-toto/attestation/blob/main/spec/v1/envelope.md; in-toto-verify asks for it too.
PAYLOAD_TYPE = "application/vnd.in-toto+json"

Json = dict[str, Any]


class LayoutError(ClocheError):
    """Links that can't be signed, for a reason that is in the message."""


@click.command()
@click.argument("links", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="FOLDER")
@click.option(
    "--output", type=click.Path(file_okay=False, path_type=Path), required=True, help="The folder for what is signed."
)
@click.option(
    "--expires",
    type=click.DateTime(["%Y-%m-%d"]),
    required=True,
    metavar="YYYY-MM-DD",
    help="The day (UTC) at whose beginning the layout ends.",
)
@key_options("", "to sign with")
@password_options
def layout(  # noqa: PLR0913 - click passes each option as an argument
    *,
    links: Path,
    output: Path,
    expires: dt.datetime,
    key_file: Path | None,
    key_fd: int | None,
    key_env: str | None,
    password_fd: int | None,
    password_env: str | None,
) -> None:
    """Sign the links and the layout in FOLDER (packages.in-toto): root.layout and STEP.KEYID.link."""
    from cloche.sign import keys, options  # noqa: PLC0415 - `cloche --help` must not load the verb's libraries

    source = options.key(key_file, key_fd, key_env, password_fd, password_env)
    if source is None:
        message = "name a key by --key, --key-fd or --key-env"
        raise click.UsageError(message)
    end = expires.replace(tzinfo=dt.UTC)
    now = dt.datetime.now(dt.UTC)
    if end <= now:
        message = f"--expires {end:%Y-%m-%d} is past: in-toto-verify would refuse the layout"
        raise LayoutError(message)
    for path in sign(links, output, keys.load(source), end):
        click.echo(path)


def sign(links: Path, output: Path, signer: Any, end: dt.datetime) -> list[Path]:  # noqa: ANN401 - no types there
    """Write the signed layout and links into `output` and return their paths.

    `signer` is of securesystemslib. Raises LayoutError for a folder that is not as packages.in-toto makes it.
    """
    from in_toto.models.layout import Layout  # noqa: PLC0415 - takes 0.2 s to import
    from in_toto.models.link import FILENAME_FORMAT, Link  # noqa: PLC0415 - as above
    from in_toto.models.metadata import Envelope  # noqa: PLC0415 - as above

    public = signer.public_key
    found = _read(links / "layout.json", Layout)
    found["expires"] = f"{end:%Y-%m-%dT%H:%M:%SZ}"
    found["keys"] = {public.keyid: {**public.to_dict(), "keyid": public.keyid}}
    for step in found["steps"]:
        step["pubkeys"] = [public.keyid]
    payloads = {"root.layout": found}
    for step in found["steps"]:
        name = FILENAME_FORMAT.format(step_name=step["name"], keyid=public.keyid)
        payloads[name] = _read(links / f"{step['name']}.json", Link)
    output.mkdir(parents=True, exist_ok=True)
    # All are there, or none: the folder for drafts is in the same file system.
    with tempfile.TemporaryDirectory(dir=output, prefix=".signing.") as drafts:
        for name, payload in payloads.items():
            data = json.dumps(payload, sort_keys=True, separators=(",", ":")).encode()
            envelope = Envelope(payload=data, payload_type=PAYLOAD_TYPE, signatures={})
            envelope.create_signature(signer)
            # What is signed must be what in-toto understands by it.
            envelope.get_payload().validate()
            envelope.dump(str(Path(drafts, name)))
        for name in payloads:
            Path(drafts, name).replace(output / name)
    return [output / name for name in payloads]


def _read(path: Path, kind: Any) -> Json:  # noqa: ANN401 - a class of in-toto, which has no types
    """Return the unsigned link or layout."""
    from cloche import limits, regular_file, strict_json  # noqa: PLC0415 - not for `cloche --help`

    try:
        value = strict_json.loads(regular_file.read(path, limits.STATEMENT), what=str(path), limit=limits.STATEMENT)
    except OSError as error:
        message = f"{path} can't be read: {error.strerror}; FOLDER is what 'nix build .#in-toto' makes"
        raise LayoutError(message) from error
    expected = kind.__name__.lower()
    if not isinstance(value, dict) or value.get("_type") != expected:
        message = f"{path} is no {expected} of in-toto; FOLDER is what 'nix build .#in-toto' makes"
        raise LayoutError(message)
    return value
