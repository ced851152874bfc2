"""What installed packages offer, by which a process can look for them; standard library only.

Shared by the run that traces the tests (trace_tests.py) and by the join of their batches (join_tests.py), which finds
packages that offer more than cloche-tests.json knows.
"""

import importlib.metadata
import re
from pathlib import Path, PurePosixPath

# { package: { "modules": paths below site-packages, without suffix, "files": other paths, "groups": of entry points } }
Table = dict[str, dict[str, list[str]]]
UP = ".."


def normal(name: str) -> str:
    """Return a package's name as locks have it (https://peps.python.org/pep-0503/)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def offered(prefixes: list[Path], site_packages: str, without: frozenset[str] = frozenset()) -> Table:
    """Return what the packages in some prefixes offer; a folder that only one of them has stands for what is in it."""
    found: Table = {}
    modules: dict[str, set[str]] = {}
    files: dict[str, set[str]] = {}
    for distribution in importlib.metadata.distributions(path=[str(prefix / site_packages) for prefix in prefixes]):
        name = normal(distribution.metadata["Name"])
        if name in without:
            continue
        found[name] = {"groups": sorted({entry.group for entry in distribution.entry_points})}
        for file in distribution.files or []:
            inside = place_of(file, site_packages)
            if UP in file.parts:
                files.setdefault(inside, set()).add(name)
            elif inside:
                modules.setdefault(inside, set()).add(name)
    for key, names in (("modules", modules), ("files", files)):
        # bin, share and their like are no package's own.
        for path, owners in smallest(names, 2 if key == "files" else 1).items():
            for name in owners:
                found[name].setdefault(key, []).append(path)
    return {
        name: {key: sorted(set(each)) for key, each in sorted(offers.items()) if each}
        for name, offers in sorted(found.items())
    }


def place_of(file: PurePosixPath, site_packages: str) -> str:
    """Return a file of a RECORD as a path below site-packages without suffix, or below the prefix; "" for metadata."""
    if UP in file.parts:
        kept = list(PurePosixPath(site_packages).parts)
        for part in file.parts:
            if part == UP:
                kept = kept[:-1]
            else:
                kept.append(part)
        return "/".join(kept)
    if file.parts[0].endswith((".dist-info", ".egg-info")):
        return ""
    parts = [part for part in file.parts if part != "__pycache__"]
    # A .pth file is no module: it runs when Python starts.
    last = parts[-1] if parts[-1].endswith(".pth") else parts[-1].partition(".")[0]
    return "/".join([*parts[:-1], last])


def smallest(names: dict[str, set[str]], least: int) -> dict[str, set[str]]:
    """Return the shortest paths, of `least` parts, that only one package has something of, and paths that several have."""
    owners: dict[str, set[str]] = {}
    for path, each in names.items():
        parts = path.split("/")
        for end in range(1, len(parts) + 1):
            owners.setdefault("/".join(parts[:end]), set()).update(each)
    found: dict[str, set[str]] = {}
    for path in names:
        parts = path.split("/")
        starts = ["/".join(parts[:end]) for end in range(least, len(parts) + 1)]
        best = next((start for start in starts if len(owners[start]) == 1), path)
        found.setdefault(best, set()).update(owners[best])
    return found


def always(table: Table) -> list[str]:
    """Return the packages that change each run of pytest: its plugins, and what runs when Python starts."""
    return [
        name
        for name, offers in table.items()
        if "pytest11" in offers.get("groups", []) or any(each.endswith(".pth") for each in offers.get("modules", []))
    ]


def news(recorded: Table, now: Table) -> list[str]:
    """Return a line for each thing by which a package that is in the record can be looked for now, and could not then."""
    lines = []
    for name in sorted(set(recorded) & set(now)):
        for key in ("modules", "files", "groups"):
            before = set(recorded[name].get(key, []))
            for each in now[name].get(key, []):
                parts = each.split("/")
                if before.isdisjoint({each, *("/".join(parts[:end]) for end in range(1, len(parts)))}):
                    lines.append(f"{name}: {key} {each}")
    return lines
