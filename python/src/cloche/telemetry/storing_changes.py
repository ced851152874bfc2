"""Store changes: each commit of a project once, whole."""

from collections.abc import Iterable

from sqlalchemy import Engine, select

from cloche.telemetry.git_changes import ReportedChange
from cloche.telemetry.importing import Reduction, hidden, insert_new, salt_of
from cloche.telemetry.models import Change, ChangedFile, ChangedFunction, ChangedHunk


def store_changes(
    engine: Engine, changes: Iterable[ReportedChange], project: str, reduction: Reduction
) -> tuple[int, int]:
    """Store the changes, each in one transaction; return how many are new, and how many were known."""
    salt = salt_of(engine) if reduction.paths else None
    new = known = 0
    for change in changes:
        with engine.begin() as connection:
            find = select(Change.id).where(Change.project == project, Change.commit == change.commit)
            if connection.execute(find).one_or_none() is not None:
                known += 1
                continue
            deltas = [file.complexity_delta for file in change.files]
            row: dict[str, object] = {
                "project": project,
                "commit": change.commit,
                "origin": "real",
                "parent": change.parent,
                "branch": change.branch,
                "author": None if reduction.people else change.author,
                "at": change.at,
                "lines_added": sum(file.added or 0 for file in change.files),
                "lines_deleted": sum(file.deleted or 0 for file in change.files),
                "files_changed": len(change.files),
                "complexity_delta": None if None in deltas else sum(delta or 0 for delta in deltas),
            }
            insert_new(connection, Change, [row])
            number = int(connection.execute(find).scalar_one())
            files, hunks, functions = _rows(change, number, salt)
            insert_new(connection, ChangedFile, files)
            insert_new(connection, ChangedHunk, hunks)
            insert_new(connection, ChangedFunction, functions)
            new += 1
    return new, known


def _rows(change: ReportedChange, number: int, salt: str | None) -> tuple[list[dict[str, object]], ...]:
    files: list[dict[str, object]] = []
    hunks: list[dict[str, object]] = []
    functions: list[dict[str, object]] = []
    for file in change.files:
        of_file = {"change_id": number, "path": hidden(file.path, salt) if salt else file.path}
        files.append({**of_file, "kind": file.kind, "lines_added": file.added, "lines_deleted": file.deleted})
        hunks += [{**of_file, "position": position, **vars(hunk)} for position, hunk in enumerate(file.hunks)]
        functions += [
            {**of_file, "name": hidden(name, salt) if salt else name, "kind": kind}
            for name, kind in sorted(file.functions.items())
        ]
    return files, hunks, functions
