"""Signed links and a signed layout of packages.in-toto, so that in-toto-verify can check a delivery.

The layout lists the keys that may sign links and ends at a date: evidence that never ends would let an old release stand
for the newest for ever.
"""

import datetime as dt
import json
from pathlib import Path
from typing import Any

from cloche.errors import ClocheError
from cloche.untrusted import limits, regular_file, strict_json

# https://github.com/in-toto/attestation/blob/main/spec/v1/envelope.md; in-toto-verify asks for it too.
PAYLOAD_TYPE = "application/vnd.in-toto+json"
# What tells a folder of links from one of statements.
NAME = "layout.json"

Json = dict[str, Any]


def signed(links: Path, signer: Any, end: dt.datetime) -> dict[str, bytes]:  # noqa: ANN401 - no types there
    """Return the signed layout and links by their file names.

    `signer` is of securesystemslib. Raises ClocheError for a folder that is not as packages.in-toto makes it.
    """
    from in_toto.models.layout import Layout  # noqa: PLC0415 - takes 0.2 s to import
    from in_toto.models.link import FILENAME_FORMAT, Link  # noqa: PLC0415 - as above
    from in_toto.models.metadata import Envelope  # noqa: PLC0415 - as above

    public = signer.public_key
    found = _read(links / NAME, Layout)
    found["expires"] = f"{end:%Y-%m-%dT%H:%M:%SZ}"
    found["keys"] = {public.keyid: {**public.to_dict(), "keyid": public.keyid}}
    for step in found["steps"]:
        step["pubkeys"] = [public.keyid]
    payloads = {"root.layout": found}
    for step in found["steps"]:
        name = FILENAME_FORMAT.format(step_name=step["name"], keyid=public.keyid)
        payloads[name] = _read(links / f"{step['name']}.json", Link)
    files = {}
    for name, payload in payloads.items():
        data = json.dumps(payload, sort_keys=True, separators=(",", ":")).encode()
        envelope = Envelope(payload=data, payload_type=PAYLOAD_TYPE, signatures={})
        envelope.create_signature(signer)
        # What is signed must be what in-toto understands by it.
        envelope.get_payload().validate()
        files[name] = json.dumps(envelope.to_dict(), sort_keys=True, separators=(",", ":")).encode() + b"\n"
    return files


def _read(path: Path, kind: Any) -> Json:  # noqa: ANN401 - a class of in-toto, which has no types
    """Return the unsigned link or layout."""
    try:
        value = strict_json.loads(regular_file.read(path, limits.STATEMENT), what=str(path), limit=limits.STATEMENT)
    except OSError as error:
        raise ClocheError(
            f"{path} can't be read: {error.strerror}; a folder with a {NAME} is what 'nix build .#in-toto' makes"
        ) from error
    expected = kind.__name__.lower()
    if not isinstance(value, dict) or value.get("_type") != expected:
        raise ClocheError(
            f"{path} is no {expected} of in-toto; a folder with a {NAME} is what 'nix build .#in-toto' makes"
        )
    return value
