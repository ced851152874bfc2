"""What is signed, and what is written."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cloche.attest.statement import PROVENANCE
from cloche.errors import ClocheError
from cloche.limits import STATEMENT
from cloche.sign.options import KeySource
from cloche.verify import statements


class NotSignedError(ClocheError):
    """A statement that is not signed, for a reason that is in the message."""


@dataclass(frozen=True)
class Written:
    """The files of one statement."""

    statement: Path
    files: tuple[Path, ...]


def sign(paths: tuple[Path, ...], output: Path, source: KeySource | None) -> list[Written]:
    """Sign statements by a key, or by an identity where there is none, and return what was written into `output`.

    All are read and signed before the first is written. Raises NotSignedError, BadStatementError, KeyRefusedError, NoIdentityError.
    """
    found = _named(paths)
    payloads = [_statement(path) for _, path in found]
    made: list[dict[str, bytes]]
    if source is None:
        from cloche.sign import keyless  # noqa: PLC0415 - sigstore takes 0.7 s to import

        made = [{".sigstore.json": bundle} for bundle in keyless.sign(payloads)]
    else:
        from cloche.sign import dsse, keys  # noqa: PLC0415 - a fault of the statements is told without them

        signer = keys.load(source)
        made = []
        for payload in payloads:
            envelope = dsse.envelope(payload, signer)
            made.append({".dsse.json": dsse.text(envelope), ".sigstore.json": dsse.text(dsse.bundle(envelope, signer))})
    output.mkdir(parents=True, exist_ok=True)
    written = []
    drafts: list[tuple[Path, Path]] = []
    try:
        for (name, path), files in zip(found, made, strict=True):
            targets = [(output / f"{name}{suffix}", data) for suffix, data in files.items()]
            for target, data in targets:
                # One by one, so that those before it are known where one fails.
                drafts.append((_draft(target, data), target))
            written.append(Written(path, tuple(target for target, _ in targets)))
        for draft, target in drafts:
            draft.replace(target)
    finally:
        for draft, _ in drafts:
            draft.unlink(missing_ok=True)
    return written


def _named(paths: tuple[Path, ...]) -> list[tuple[str, Path]]:
    """Return the statements with the names of their signatures: a folder gives all below it, by their places in it."""
    found: list[tuple[str, Path]] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(path.rglob("*.json"))
            for item in sorted(path.rglob("*")):
                # Otherwise what is behind it would be left out, and nobody told.
                if (item.suffix == ".json" and not item.is_file()) or (item.is_symlink() and not item.is_file()):
                    message = f"{item} is no statement: a folder of statements holds files and folders"
                    raise NotSignedError(message)
            if not inside:
                message = f"{path} has no statement (*.json) in it"
                raise NotSignedError(message)
            found += [(".".join(item.relative_to(path).with_suffix("").parts), item) for item in inside]
        else:
            found.append((path.with_suffix("").name if path.suffix == ".json" else path.name, path))
    names = [name for name, _ in found]
    for name in names:
        if names.count(name) > 1:
            message = f"two statements would be written as {name}; sign them into two folders"
            raise NotSignedError(message)
    return found


def _statement(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(STATEMENT.bytes + 1)
    except OSError as error:
        message = f"the statement {path} can't be read: {error.strerror}"
        raise NotSignedError(message) from error
    statement = statements.parse(data, what=str(path))
    if not all("sha256" in subject.digest for subject in statement.subjects):
        message = f"{path}: a subject has no sha256, so nobody could verify what it is about"
        raise NotSignedError(message)
    if statement.predicate_type == PROVENANCE:
        definition = statement.predicate.get("buildDefinition")
        parameters = definition.get("externalParameters") if isinstance(definition, dict) else None
        if not isinstance(parameters, dict) or not parameters.get("revision"):
            message = (
                f"{path} names no revision: it was built from a tree with uncommitted changes, which nobody else can "
                "build again; commit them and build again"
            )
            raise NotSignedError(message)
    return data


def write(target: Path, data: bytes) -> None:
    """Write a file at once, so that nobody reads half a signature; raises OSError."""
    if target.exists() and not target.is_file():
        # A pipe or a terminal, such as /dev/stdout, is written to and not replaced.
        target.write_bytes(data)
        return
    draft = _draft(target, data)
    try:
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _draft(target: Path, data: bytes) -> Path:
    """Write a file beside the one that it is to become."""
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".signing.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(name).chmod(0o644)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)
