"""Hash-pinned requirements.txt, as `pip-compile --generate-hashes` or `uv pip compile` writes it."""

import re
from dataclasses import replace
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from cloche.errors import ClocheError
from cloche.lock.pool import Candidate, Pool
from cloche.lock.text import read_text

LOCK_NAME = "requirements.txt"
REMEDY = "Write it again, such as by `uv pip compile --generate-hashes`."
_COMMENT = re.compile(r"(^|\s)#.*$")
_HASH = re.compile(r"\s--hash[= ](?P<algorithm>\w+):(?P<digest>[0-9a-fA-F]+)")
# Where packages come from is pip's configuration alone; these say nothing about versions.
_IGNORED = (
    "-i",
    "--index-url",
    "--extra-index-url",
    "-f",
    "--find-links",
    "--no-index",
    "--trusted-host",
    "--require-hashes",
    "--pre",
    "--prefer-binary",
    "--only-binary",
    "--no-binary",
    "--use-feature",
)
_DIRECT = ("-e", "--editable", "git+", "http:", "https:", "file:", "./", "../", "/")


def bad_requirement(path: Path, line: int, fault: str, remedy: str = REMEDY) -> ClocheError:
    """Return the error of a line of requirements.txt that cannot be obeyed."""
    return ClocheError(f"{path}:{line}: {fault}.\n{remedy}")


def is_pinned(path: Path) -> bool:
    """Return whether the file has any hash; without one it is a wish list and no lock."""
    return _HASH.search(read_text(path)) is not None


def read_requirements(path: Path) -> Pool:
    """Return what requirements.txt offers; files and edges are for the index and metadata to say.

    Raises ClocheError.
    """
    pool = Pool(path.name, REMEDY)
    for number, line in _logical_lines(read_text(path)):
        if re.split(r"[=\s]", line, maxsplit=1)[0] in _IGNORED:
            continue
        candidate = _candidate(path, number, line)
        same = [each for each in pool.candidates.get(candidate.name, ()) if each.version == candidate.version]
        if same and str(same[0].marker) == str(candidate.marker):
            pool.candidates[candidate.name].remove(same[0])
            candidate = replace(candidate, hashes=candidate.hashes | same[0].hashes)
        pool.add(candidate)
    return pool


def _candidate(path: Path, number: int, line: str) -> Candidate:
    text = _HASH.split(line)[0].strip()
    if line.startswith("-") and not line.startswith(_DIRECT):
        fault = f"the option {line.split(maxsplit=1)[0]!r} is not supported in a lock"
        raise bad_requirement(path, number, fault, "Write one complete file, without includes and constraints.")
    if line.startswith(_DIRECT) or " @ " in text:
        fault = f"{text!r} is unsupported because not addressable by name and hash"
        remedy = "Publish it on an index (a folder of wheels will do) and require NAME==VERSION."
        raise bad_requirement(path, number, fault, remedy)
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise bad_requirement(path, number, f"{text!r} is not a requirement: {str(error).splitlines()[0]}") from error
    pins = [
        each.version for each in requirement.specifier if each.operator in {"==", "==="} and "*" not in each.version
    ]
    if len(pins) != 1:
        raise bad_requirement(path, number, f"{text!r} does not name one version (NAME==VERSION)")
    hashes = frozenset(match["digest"].lower() for match in _HASH.finditer(line) if match["algorithm"] == "sha256")
    if not hashes:
        raise bad_requirement(path, number, f"{text!r} has no sha256 hash")
    return Candidate(
        name=canonicalize_name(requirement.name),
        version=pins[0],
        hashes=hashes,
        marker=requirement.marker,
        origin=path.name,
    )


def _logical_lines(text: str) -> list[tuple[int, str]]:
    """Return (number of the first line, text) with continuations joined and comments left out."""
    found: list[tuple[int, str]] = []
    pending = ""
    start = 0
    for number, raw in enumerate(text.splitlines(), start=1):
        line = _COMMENT.sub("", raw).rstrip()
        start = start if pending else number
        if line.endswith("\\"):
            pending += line[:-1] + " "
            continue
        whole = (pending + line).strip()
        pending = ""
        if whole:
            found.append((start, whole))
    return [*found, (start, pending.strip())] if pending.strip() else found
