"""What a store path needs besides itself: each path of its closure must be what accepted provenance lists.

An application is a folder of links into its store, so its own bytes say little. The paths beside it are read as it was; no Nix
and no database is needed.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from cloche.attest.artifact import Artifact, Kind
from cloche.attest.outcome import Refusal, Report
from cloche.store import nar
from cloche.store.nar import Nar
from cloche.verify.policy import IGNORED, Policy
from cloche.verify.predicates import Claimed

_WHAT = "closure"
_MEGABYTE = 10**6
# How many of many paths a reason names.
_SHOWN = 5
_STORE = Path("/nix/store")
_HASH_LENGTH = 32


def check(artifact: Artifact, claimed: Claimed | None, policy: Policy, report: Report) -> None:
    """Report on the closure of a folder, or of a file whose provenance lists one."""
    listed = {} if claimed is None else dict(claimed.closure)
    if artifact.path is None or (artifact.kind is Kind.FILE and not listed):
        return
    if policy.closure == IGNORED:
        report.note(_WHAT, "not compared, as the policy says: whatever else the artifact needs may be altered")
    elif claimed is None and report.refusal is not None:
        report.note(_WHAT, "not compared, because no provenance was accepted that could list it")
    elif not listed:
        _alone(artifact, report)
    elif artifact.path.name not in listed:
        reason = (
            f"{artifact.path} is no path of a store by its name, so the {len(listed)} paths that the provenance lists are "
            "not beside it; name the artifact in its store, or let the policy say what it is to be without them"
        )
        report.refuse(_WHAT, Refusal.MISSING, reason)
    else:
        _compare(artifact, artifact.path, listed, report)


def _alone(artifact: Artifact, report: Report) -> None:
    found, path = artifact.nar, artifact.path
    if found is None or path is None:
        return
    if named := found.named - {path.name}:
        reason = f"it refers to {_some(_distinct(named))}, and no accepted provenance lists what is in there"
        report.refuse(_WHAT, Refusal.MISSING_STATEMENT, reason)
    elif found.elsewhere:
        report.refuse(_WHAT, Refusal.MISSING_STATEMENT, f"{_elsewhere(found)}, where anybody may put something else")
    else:
        report.accept(_WHAT, "it refers to no path of a store, so it stands alone")
        if found.named and path.parent != _STORE:
            report.note("store", f"it refers to itself in {_STORE}, so run it where {path.parent} is mounted as that")


def _compare(artifact: Artifact, path: Path, listed: Mapping[str, str], report: Report) -> None:
    store, before = path.parent, len(report.rows)
    there = [name for name in listed if os.path.lexists(store / name)]
    if len(there) < len(listed):
        missing = sorted(set(listed) - set(there))
        reason = f"of the {len(listed)} paths that the provenance lists, {store} lacks {_some(missing)}"
        report.refuse(_WHAT, Refusal.MISSING, reason)
    size = 0
    for name, found in _read(store, there, {path.name: artifact.nar}):
        if isinstance(found, nar.NarError):
            report.refuse(_WHAT, Refusal.TAMPERED, found.message)
        elif isinstance(found, OSError):
            report.refuse(_WHAT, Refusal.MISSING, f"{store / name} can't be read: {found.strerror}")
        elif fault := _fault(name, found, listed, None if name == path.name else store):
            report.refuse(_WHAT, *fault)
        else:
            size += found.size
            if found.elsewhere:
                report.note(f"links of {name}", f"{_elsewhere(found)}; what is there was not compared")
    if any(row.refusal is not None for row in report.rows[before:]):
        return
    report.accept(_WHAT, f"{len(listed)} paths, {-(-size // _MEGABYTE)} MB, each as the provenance lists it")
    if store != _STORE:
        reason = f"the paths in {store} were compared; its links lead to {_STORE}, so run it where the one is mounted as the other"
        report.note("store", reason)


def _fault(name: str, found: Nar, listed: Mapping[str, str], store: Path | None) -> tuple[Refusal, str] | None:
    """Return what is wrong with a path that is listed; `store` is None for the artifact itself."""
    if found.sha256 != listed[name]:
        reason = f"{name} was altered: its NAR has the sha256 {found.sha256}, and the provenance lists {listed[name]}"
        return Refusal.TAMPERED, reason
    if unlisted := _unlisted(found, listed, store):
        reason = f"{name} refers to {_some(unlisted)}, and the provenance does not list what is in there"
        return Refusal.MISSING_STATEMENT, reason
    if found.elsewhere and store is None:
        return Refusal.MISSING_STATEMENT, f"{_elsewhere(found)}, where anybody may put something else"
    return None


def _read(
    store: Path, names: Sequence[str], known: Mapping[str, Nar | None]
) -> Iterable[tuple[str, Nar | OSError | nar.NarError]]:
    """Return the NAR of each path, or why there is none.

    Processes, not threads: between two blocks that are hashed a thread has too much to do that no other may do meanwhile.
    """
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415 - files and images do without
    from multiprocessing import get_context  # noqa: PLC0415 - as above

    found: dict[str, Nar | OSError | nar.NarError] = {name: each for name, each in known.items() if each is not None}
    others = [name for name in names if name not in found]
    if others:
        count = min(len(os.sched_getaffinity(0)), len(others))
        with ProcessPoolExecutor(count, get_context("fork")) as processes:
            found |= zip(others, processes.map(_nar, [store / name for name in others]), strict=True)
    return [(name, found[name]) for name in names]


def _nar(path: Path) -> Nar | OSError | nar.NarError:
    try:
        return nar.read(path)
    except (OSError, nar.NarError) as error:
        return error


def _unlisted(found: Nar, listed: Iterable[str], store: Path | None) -> list[str]:
    """Return the store paths that are named and not listed; with `store` only those that are there.

    Nothing in the artifact itself may lead elsewhere. A package may well have text about the store of another machine in
    it, which Nix does not count as a reference either.
    """
    known = {name[:_HASH_LENGTH] for name in listed}
    others = [name for name in found.named if name[:_HASH_LENGTH] not in known]
    if others and store is not None:
        there = {name[:_HASH_LENGTH] for name in os.listdir(store)}  # noqa: PTH208 - names are all that is needed
        others = [name for name in others if name[:_HASH_LENGTH] in there]
    return _distinct(others)


def _elsewhere(found: Nar) -> str:
    return f"it has links that lead out of it and to no path of a store: {_some(sorted(found.elsewhere))}"


def _distinct(names: Iterable[str]) -> list[str]:
    """Return one name for each hash: where one was cut off by the end of a block, the whole one."""
    return sorted({name[:_HASH_LENGTH]: name for name in sorted(names)}.values())


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
