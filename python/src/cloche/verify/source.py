"""What goes beyond signatures: the age of a revision, and building again."""

import base64
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from cloche.attest.artifact import Artifact, Kind, file_sha256
from cloche.attest.outcome import Refusal, Refused, Report
from cloche.errors import ClocheError
from cloche.store import nar
from cloche.store.git import GitError, NoGitError, Repository
from cloche.untrusted.moments import moment
from cloche.verify.policy import Provenance
from cloche.verify.predicates import Claimed

if TYPE_CHECKING:
    from cloche.reproduce import RebuiltOutput


def check_age(claimed: Claimed, wanted: Provenance, repository: Path | None, report: Report) -> None:
    """Report whether the revision is not older than the policy allows, by a checkout that the verifier trusts.

    Provenance has no times, and a signer could write any; the history of git is what a checkout can show.
    """
    try:
        if repository is None:
            reason = "the policy has a minimum, and no --source-repository FOLDER was given in which history could be looked up"
            raise Refused(Refusal.MISSING, reason)  # noqa: TRY301 - one place reports refusals
        if not repository.is_dir():
            raise Refused(Refusal.MISSING, f"there is no folder {repository}")  # noqa: TRY301 - as above
        assert claimed.revision is not None  # noqa: S101 - predicates.provenance looked at it
        git = Repository(repository)
        _known(git, claimed.revision)
        if wanted.minimum_revision is not None:
            _descends(git, wanted.minimum_revision, claimed.revision)
            report.accept("age of the revision", f"{claimed.revision} is {wanted.minimum_revision} or follows it")
        if wanted.minimum_date is not None:
            with git.objects() as objects:
                when = moment(objects.commit(claimed.revision).at)
            if when < wanted.minimum_date:
                reason = f"the revision {claimed.revision} is of {when.isoformat()}, older than {wanted.minimum_date.isoformat()}"
                raise Refused(Refusal.WRONG_SOURCE, reason)  # noqa: TRY301 - as above
            report.accept("age of the revision", f"it is of {when.isoformat()}")
    except Refused as refused:
        report.refuse("age of the revision", refused.refusal, refused.reason)
    except GitError as error:
        report.refuse("age of the revision", Refusal.MISSING, error.message)


def _known(repository: Repository, revision: str) -> None:
    try:
        repository.commit(revision)
    except NoGitError:
        raise
    except GitError as error:
        words = error.words.splitlines()
        reason = f"{repository.folder} does not have the revision {revision}, so its age is unknown ({words[-1] if words else error})"
        raise Refused(Refusal.WRONG_SOURCE, reason) from error


def _descends(repository: Repository, minimum: str, revision: str) -> None:
    _known(repository, minimum)
    if not repository.descends(revision, minimum):
        raise Refused(
            Refusal.WRONG_SOURCE,
            f"the revision {revision} does not follow {minimum}, the oldest that the policy allows",
        )


def rebuild(claimed: Claimed, artifact: Artifact, folder: Path | None, report: Report) -> None:
    """Report whether building the signed source again gives the same bytes."""
    what = "rebuild"
    signed = _hexadecimal(claimed.source.get("sha256"))
    if signed is None:
        report.refuse(
            what, Refusal.WRONG_SOURCE, "the provenance has no digest of the source tree, so another one could be built"
        )
        return
    if folder is not None:
        try:
            found = _nar(folder)
        except Refused as refused:
            report.refuse(what, refused.refusal, refused.reason)
            return
        if found != signed:
            reason = f"the NAR of {folder} has the sha256 {found}, and the signed source has {signed}"
            if (folder / ".git").exists():
                reason += f"; its .git is part of it: give what `git archive {claimed.revision}` unpacks"
            report.refuse(what, Refusal.WRONG_SOURCE, reason)
            return
    from cloche import reproduce  # noqa: PLC0415 - only a rebuild needs it

    separator = "&" if "?" in claimed.flake else "?"
    flake = f"{claimed.flake}{separator}rev={claimed.revision}"
    try:
        with reproduce.rebuild(flake, claimed.attribute, source=folder) as made:
            _compare(claimed, artifact, made, signed, report)
    except ClocheError as error:
        report.refuse(what, Refusal.NOT_REPRODUCED, error.message)
    except OSError as error:
        report.refuse(what, Refusal.NOT_REPRODUCED, f"{error.filename} can't be read: {error.strerror}")


def _compare(claimed: Claimed, artifact: Artifact, made: "RebuiltOutput", signed: str, report: Report) -> None:
    """Report whether what was built has the bytes of the artifact."""
    what = "rebuild"
    built = _hexadecimal(made.source_nar_hash)
    if built != signed:
        report.refuse(
            what,
            Refusal.WRONG_SOURCE,
            f"the source that was built has the sha256 {built}, and the signed one has {signed}",
        )
        return
    digests = _digests(artifact, made)
    if artifact.sha256 not in digests:
        reason = f"{claimed.attribute}, built again on this machine, has {_NOUN[artifact.kind]} {' and '.join(digests) or '(none)'}"
        report.refuse(what, Refusal.NOT_REPRODUCED, reason)
    elif different := _different_closure(claimed, made.closure):
        report.refuse(what, Refusal.NOT_REPRODUCED, different)
    else:
        report.accept(what, f"{claimed.attribute}, built again on this machine, has the same bytes")


# What an artifact of each kind has, that is compared.
_NOUN = {
    Kind.FILE: "files with the sha256",
    Kind.STORE: "a NAR with the sha256",
    Kind.IMAGE: "an image manifest with the sha256",
}


def _digests(artifact: Artifact, made: "RebuiltOutput") -> list[str]:
    """Return the digests that an output has as the kind of artifact that is compared with it; raises OSError."""
    path = PurePath(made.path)
    if artifact.kind is Kind.IMAGE:
        # Of the manifest itself, which names all layers; what the output says of it beside it is not needed.
        manifest = made.place(path / "manifest.json")
        return [file_sha256(manifest)] if manifest.is_file() else []
    if artifact.kind is Kind.STORE:
        return [_hexadecimal(made.closure[made.path]) or ""]
    output = made.place(path)
    items = [output] if output.is_file() else [made.place(path / item.name) for item in sorted(output.iterdir())]
    return [file_sha256(item) for item in items if item.is_file()]


def _different_closure(claimed: Claimed, made: Mapping[str, str]) -> str:
    """Return in what the closure that was built differs from the one that the provenance lists; nothing where it does not.

    An artifact that is a folder of links has the same bytes whatever lies behind them.
    """
    listed = dict(claimed.closure)
    built = {PurePath(path).name: _hexadecimal(digest) for path, digest in made.items()}
    for name in sorted(listed.keys() | built.keys() if listed else ()):
        if name not in built:
            return f"the provenance lists {name}, which {claimed.attribute}, built again on this machine, does not need"
        if name not in listed:
            return f"{claimed.attribute}, built again on this machine, needs {name}, which the provenance does not list"
        if listed[name] != built[name]:
            return f"{name}, built again on this machine, has a NAR with the sha256 {built[name]}, and the provenance lists {listed[name]}"
    return ""


def _nar(folder: Path) -> str:
    if not folder.is_dir():
        raise Refused(Refusal.MISSING, f"there is no folder {folder}")
    try:
        return nar.read(folder).sha256
    except ClocheError as error:
        raise Refused(Refusal.MALFORMED, error.message) from error
    except OSError as error:
        raise Refused(Refusal.MISSING, f"{error.filename} can't be read: {error.strerror}") from error


def _hexadecimal(digest: str | None) -> str | None:
    """Return a digest, also one that Nix wrote (SRI), in hexadecimal."""
    if digest is None or not digest.startswith("sha256-"):
        return digest
    try:
        return base64.b64decode(digest.removeprefix("sha256-"), validate=True).hex()
    except ValueError:
        return None
