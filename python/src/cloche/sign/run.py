"""What is signed, and what is written."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cloche.attest import statements
from cloche.attest.key_options import KeySource
from cloche.attest.statement import PROVENANCE
from cloche.errors import ClocheError
from cloche.sign import layout
from cloche.store import write
from cloche.untrusted import regular_file, strict_json, walk
from cloche.untrusted.limits import EVIDENCE, STATEMENT


@dataclass(frozen=True)
class Wanted:
    """How to sign: by a key, or by an identity of an instance of sigstore; `expires` is when a layout ends."""

    key: KeySource | None = None
    trust_config: Path | None = None
    expires: dt.datetime | None = None
    # Is told by whom, where it is an identity.
    tell: Callable[[str], None] = print


def sign(paths: tuple[Path, ...], output: Path, wanted: Wanted) -> list[Path]:
    """Sign statements, or the links and the layout in one folder, and return the files that were written into `output`.

    All are read and signed before the first is written. Raises ClocheError.
    """
    layouts = [path for path in paths if (path / layout.NAME).exists()]
    files = _layout(layouts[0], paths, wanted) if layouts else _statements(paths, wanted)
    output.mkdir(parents=True, exist_ok=True)
    targets = {output / name: data for name, data in files.items()}
    write.files(targets)
    return list(targets)


def _statements(paths: tuple[Path, ...], wanted: Wanted) -> dict[str, bytes]:
    """Return the files with the signatures of statements."""
    if wanted.expires is not None:
        raise ClocheError(
            f"--expires is for a layout (a folder with a {layout.NAME}), and there is none; a statement does not end, but a policy's signer does"
        )
    found = _named(paths)
    payloads: list[bytes] = []
    for _, path in found:
        payloads.append(_statement(path))
        if sum(map(len, payloads)) > EVIDENCE.bytes:
            raise ClocheError(
                f"all statements together have more than {EVIDENCE.bytes} bytes, and no more are read; sign them in parts"
            )
    if wanted.key is None:
        from cloche.sign import keyless  # noqa: PLC0415 - sigstore takes 0.7 s to import

        bundles = keyless.sign(payloads, wanted.trust_config, wanted.tell)
        return {f"{name}.sigstore.json": bundle for (name, _), bundle in zip(found, bundles, strict=True)}
    from cloche.attest import dsse, keys  # noqa: PLC0415 - a fault of the statements is told without them

    signer = keys.load(wanted.key)
    files = {}
    for (name, _), payload in zip(found, payloads, strict=True):
        envelope = dsse.envelope(payload, signer)
        files[f"{name}.dsse.json"] = dsse.text(envelope)
        files[f"{name}.sigstore.json"] = dsse.text(dsse.bundle(envelope, signer))
    return files


def _layout(folder: Path, paths: tuple[Path, ...], wanted: Wanted) -> dict[str, bytes]:
    """Return the files of a supply chain: the signed layout and the signed links."""
    if len(paths) > 1:
        raise ClocheError(
            f"{folder} has a layout and its links; sign it alone, into a folder of its own, since `verify` takes no links"
        )
    if wanted.key is None:
        raise ClocheError(
            f"{folder} has a layout, which in-toto-verify checks by a key: name one by --key, --key-fd or --key-env"
        )
    if wanted.expires is None:
        raise ClocheError(f"{folder} has a layout, and a layout has to end: add --expires YYYY-MM-DD")
    if wanted.expires <= dt.datetime.now(dt.UTC):
        raise ClocheError(f"--expires {wanted.expires:%Y-%m-%d} is past: in-toto-verify would refuse the layout")
    from cloche.attest import keys  # noqa: PLC0415 - as above

    return layout.signed(folder, keys.load(wanted.key), wanted.expires)


def _named(paths: tuple[Path, ...]) -> list[tuple[str, Path]]:
    """Return the statements with the names of their signatures: a folder gives all below it, by their places in it."""
    found: list[tuple[str, Path]] = []
    for path in paths:
        if path.is_dir():
            inside = _inside(path)
            if not inside:
                raise ClocheError(f"{path} has no statement (*.json) in it")
            found += [(".".join(item.relative_to(path).with_suffix("").parts), item) for item in inside]
        else:
            found.append((path.with_suffix("").name if path.suffix == ".json" else path.name, path))
    if len(found) > EVIDENCE.members:
        raise ClocheError(
            f"{len(found)} statements, where at most {EVIDENCE.members} are signed at once; sign them in parts"
        )
    for name in strict_json.repeated([name for name, _ in found]):
        raise ClocheError(f"two statements would be written as {name}; sign them into two folders")
    return found


def _inside(folder: Path) -> list[Path]:
    try:
        found = walk.below(folder)
        for item in found:
            # Otherwise what is behind it would be left out, and nobody told.
            if (item.suffix == ".json" or item.is_symlink()) and not item.is_file():
                raise ClocheError(f"{item} is no statement: a folder of statements holds files and folders")
    except OSError as error:
        raise ClocheError(
            f"{error.filename} can't be listed, so a statement could be left out: {error.strerror}"
        ) from error
    return [item for item in found if item.suffix == ".json"]


def _statement(path: Path) -> bytes:
    try:
        data = regular_file.read(path, STATEMENT)
    except OSError as error:
        raise ClocheError(f"the statement {path} can't be read: {error.strerror}") from error
    statement = statements.parse(data, what=str(path))
    if not all("sha256" in subject.digest for subject in statement.subjects):
        raise ClocheError(f"{path}: a subject has no sha256, so nobody could verify what it is about")
    if statement.predicate_type == PROVENANCE:
        definition = statement.predicate.get("buildDefinition")
        parameters = definition.get("externalParameters") if isinstance(definition, dict) else None
        if not isinstance(parameters, dict) or not parameters.get("revision"):
            raise ClocheError(
                f"{path} names no revision: it was built from a tree with uncommitted changes, which nobody else can "
                "build again; commit them and build again"
            )
    return data
