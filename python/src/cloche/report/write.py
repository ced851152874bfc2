"""Write a report as a folder: index.html and what it needs, report.json, report.md, artifacts."""

import json
import shutil
from pathlib import Path

from cloche.report import markdown, page
from cloche.report.errors import ForeignFolderError
from cloche.report.facts import Report


def files(report: Report, artifacts: dict[str, bytes]) -> dict[str, bytes]:
    """Return all files of a report: relative path -> bytes."""
    # Without blanks: of thousands of tests these would be a third of it.
    text = json.dumps(report.data(), sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"
    return {
        **page.render(report),
        "report.json": text.encode(),
        "report.md": markdown.render(report).encode(),
        **artifacts,
    }


def write(folder: Path, report: Report, artifacts: dict[str, bytes]) -> None:
    """Write a report into a folder in place of the one that is there; raises ForeignFolderError for another content."""
    made = files(report, artifacts)
    if folder.exists() and any(folder.iterdir()) and not (folder / "report.json").exists():
        raise ForeignFolderError(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    for name, data in sorted(made.items()):
        (new / name).parent.mkdir(parents=True, exist_ok=True)
        (new / name).write_bytes(data)
    if folder.exists():
        shutil.rmtree(folder)
    new.rename(folder)
