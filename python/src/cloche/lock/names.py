"""Names that have to agree between Python and Nix, and names that must not be trusted."""

from pathlib import Path

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from cloche.errors import ClocheError

_FILE_NAME_LENGTH = 255


def check_file_name(name: str, origin: str) -> str:
    """Return `name` when it is one component of a path, else raise ClocheError."""
    plain = (
        0 < len(name) <= _FILE_NAME_LENGTH
        and name.isprintable()
        and not name.startswith(".")
        and "/" not in name
        and "\\" not in name
        and ":" not in name
        and Path(name).name == name
    )
    if not plain:
        raise ClocheError(
            f"{name!r} (in {origin}) is not a plain file name: it is empty, too long, hidden, or has a\n"
            "separator or control character, and could lead out of the environment.\n"
            "Make the lock again from an index that you trust."
        )
    return name


def name_and_version(file: str, package: str) -> tuple[str, Version] | None:
    """Return the normalised name and the version that a file name states, or None.

    `package` tells where the version begins in old sdists' names, such as "ruamel.yaml-1-a.tar.gz".
    """
    try:
        if file.endswith(".whl"):
            name, version, *_ = parse_wheel_filename(file)
            return name, version
        if file.endswith((".tar.gz", ".zip")):
            name, version = parse_sdist_filename(file)
            return name, version
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        pass
    stem = file.removesuffix(".zip").removesuffix(".tgz").rpartition(".tar")[0] or file.rpartition(".")[0]
    for at, letter in enumerate(stem):
        if letter == "-" and canonicalize_name(stem[:at]) == canonicalize_name(package):
            try:
                return canonicalize_name(package), Version(stem[at + 1 :])
            except InvalidVersion:
                return None
    return None
