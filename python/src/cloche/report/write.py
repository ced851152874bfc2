"""Write a report as a folder: index.html and what it needs, report.json, report.md, artifacts, and a list of all these."""

import json
import re
from pathlib import Path

from cloche.errors import ClocheError
from cloche.report import markdown, page
from cloche.report.facts import Report
from cloche.store import write as whole
from cloche.untrusted import limits, regular_file, strict_json, terminal

# By this file a report knows what in its folder is its own.
MARKER = "cloche-report.json"
KIND, VERSION = "cloche-report", 1
_NAME = re.compile(r"(?!\.{1,2}(?:/|$))[^/\0]+(?:/(?!\.{1,2}(?:/|$))[^/\0]+)*")


def foreign_folder(folder: object, why: str) -> ClocheError:
    """Return the error of a folder that the report would replace and that holds something else."""
    return ClocheError(
        f"{folder} is there and is no report of Cloche ({why}), so nothing in it is touched; name another folder: --output"
    )


def files(report: Report, artifacts: dict[str, bytes]) -> dict[str, bytes]:
    """Return all files of a report: relative path -> bytes. The first lists all of them."""
    # Without blanks: of thousands of tests these would be a third of it.
    text = json.dumps(report.data(), sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"
    # For people; report.json has each name as it is.
    shown = terminal.all_visible(report)
    made = {
        **page.render(shown),
        "report.json": text.encode(),
        "report.md": markdown.render(shown).encode(),
        **artifacts,
    }
    listed = {"kind": KIND, "version": VERSION, "files": [MARKER, *sorted(made)]}
    return {MARKER: (json.dumps(listed, indent=1, ensure_ascii=False) + "\n").encode(), **made}


def write(folder: Path, report: Report, artifacts: dict[str, bytes]) -> None:
    """Write a report into a folder in place of the one that is there; what that one doesn't list stays there.

    Raises ClocheError for a folder that holds something else, and NotWrittenError.
    """
    made = files(report, artifacts)
    folder.parent.mkdir(parents=True, exist_ok=True)
    whole.folder(folder, made, own)


def own(folder: Path) -> list[str]:
    """Return the files of the report in a folder, none for an empty one; raises ClocheError for what is no report."""
    path = folder / MARKER
    try:
        data = regular_file.read(path, limits.REPORT)
    except FileNotFoundError as error:
        if not any(folder.iterdir()):
            return []
        raise foreign_folder(folder, f"it has no {MARKER}") from error
    except OSError as error:
        raise foreign_folder(folder, f"its {MARKER} cannot be read: {error.strerror or error}") from error
    try:
        value = strict_json.loads(data, what=MARKER, limit=limits.REPORT)
    except strict_json.BadJsonError as error:
        raise foreign_folder(folder, error.message) from error
    if not isinstance(value, dict) or value.get("kind") != KIND:
        raise foreign_folder(folder, f'its {MARKER} has no "kind": "{KIND}"')
    if value.get("version") != VERSION:
        raise foreign_folder(
            folder, f"its {MARKER} is of version {value.get('version')!r}, and this Cloche knows {VERSION}"
        )
    names = value.get("files")
    if not isinstance(names, list) or not all(isinstance(name, str) and _NAME.fullmatch(name) for name in names):
        raise foreign_folder(folder, f'"files" in its {MARKER} is no list of paths in the folder')
    return [str(name) for name in names]
