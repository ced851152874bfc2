"""Make one environment of symbolic links out of wheels that were unpacked each on its own.

Runs inside a derivation, standard library only. A folder that only one wheel has is one link; folders that several
wheels share (namespace packages, bin, share) are made and filled. The result is a virtual environment by PEP 405: its
pyvenv.cfg makes `sys.prefix` the environment, so scripts, data files and packages are found in one place.
"""

import os
import sys
from pathlib import Path
from typing import Any

PLACEHOLDER = b"#!/cloche/python"
# Where the parts of a store path's name begin: /, nix, store, hash-name.
_STORE_DEPTH = 3


class Merger:
    """Collects what goes wrong while merging, so that all of it can be told at once."""

    def __init__(self, site_packages: str) -> None:
        self.collisions: list[str] = []
        # These are folders of the environment itself, even where a single wheel fills them.
        parts = site_packages.split("/")
        self.own = {"/".join(parts[: depth + 1]) for depth in range(len(parts))}

    def merge(self, sources: list[Path], target: Path, shown: str = "") -> None:
        """Link everything that the folders `sources` hold into the folder `target`."""
        found: dict[str, list[Path]] = {}
        for source in sources:
            for entry in os.scandir(source):
                found.setdefault(entry.name, []).append(Path(entry.path))
        for name, paths in sorted(found.items()):
            if shown == "" and name == "bin":
                continue
            here = f"{shown}/{name}".lstrip("/")
            if len(paths) == 1 and here not in self.own:
                (target / name).symlink_to(paths[0])
            elif all(path.is_dir() for path in paths):
                (target / name).mkdir()
                self.merge(paths, target / name, here)
            elif _same(paths) or shown.endswith("/__pycache__"):
                # Byte code holds the path of its module, so two wheels never have the same; the first is that of the
                # module which was taken, and where modules differ, they are the collision to tell.
                (target / name).symlink_to(paths[0])
            else:
                self.collisions.append(f"{here}: " + ", ".join(sorted(_wheel_of(path) for path in paths)))

    def scripts(self, wheels: list[Path], target: Path, interpreter: str) -> None:
        """Write the scripts of all wheels, those for Python with this environment's interpreter."""
        owners: dict[str, Path] = {}
        for script in [script for wheel in wheels for script in _entries(wheel / "bin")]:
            path = target / script.name
            if script.name in owners:
                if not _same([owners[script.name], script]):
                    both = sorted([_wheel_of(script), _wheel_of(owners[script.name])])
                    self.collisions.append(f"bin/{script.name}: " + ", ".join(both))
                continue
            owners[script.name] = script
            if path.is_symlink():
                self.collisions.append(f"bin/{script.name}: {_wheel_of(script)}, the environment's own interpreter")
            elif script.is_file() and (data := script.read_bytes()).startswith(PLACEHOLDER):
                path.write_bytes(b"#!" + interpreter.encode() + data[len(PLACEHOLDER) :])
                path.chmod(0o755)
            else:
                path.symlink_to(script)


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _same(paths: list[Path]) -> bool:
    """Return whether all are files with the same bytes: then it does not matter whose is taken."""
    if not all(path.is_file() for path in paths):
        return False
    first = paths[0].read_bytes()
    return all(path.read_bytes() == first for path in paths[1:])


def _wheel_of(path: Path) -> str:
    """Return the name of the store path that a file lies in, without its hash."""
    return path.parts[_STORE_DEPTH].partition("-")[2] if len(path.parts) > _STORE_DEPTH else str(path)


def main(attributes: dict[str, Any]) -> None:
    """Merge attributes["wheels"] for the Python attributes["interpreter"] into attributes["outputs"]["out"]."""
    out = Path(attributes["outputs"]["out"])
    wheels = [Path(wheel) for wheel in attributes["wheels"]]
    interpreter = Path(attributes["interpreter"])
    out.mkdir()
    merger = Merger(attributes["sitePackages"])
    merger.merge(wheels, out)
    binaries = out / "bin"
    binaries.mkdir()
    version = attributes["version"]
    for name in ("python", "python3", f"python{version}"):
        (binaries / name).symlink_to(interpreter)
    (out / attributes["sitePackages"]).mkdir(parents=True, exist_ok=True)
    merger.scripts(wheels, binaries, str(binaries / "python"))
    (out / "pyvenv.cfg").write_text(
        f"home = {interpreter.parent}\ninclude-system-site-packages = false\nversion = {attributes['fullVersion']}\n"
    )
    for link, target in attributes.get("links", {}).items():
        (out / link).symlink_to(target)
    if merger.collisions:
        sys.exit(
            "two wheels write the same file with different contents:\n  "
            + "\n  ".join(merger.collisions)
            + "\nOnly one of them can be in an environment: leave one out of the group, or set\n"
            "cloche.python.overrides.<package>.exclude to the files that should give way."
        )
