"""What a new lock changes, in words."""

from cloche.lock.model import Lock

_MEGA = 1_000_000


def summary(lock: Lock) -> str:
    """Return one line: packages, systems, Python versions, wheels, sdists and bytes."""
    environments = [environment for _, _, environment in lock.each()]
    names = {name for environment in environments for name in environment.packages}
    files = {digest: package for environment in environments for digest, package in environment.files().items()}
    wheels = sum(package.is_wheel for package in files.values())
    size = sum(package.size for package in files.values()) / _MEGA
    return (
        f"{len(names)} packages for {', '.join(lock.systems)} and Python {', '.join(lock.pythons)}: "
        f"{wheels} wheels and {len(files) - wheels} sdists, build tools included, {size:.1f} MB."
    )


def changes(former: Lock | None, lock: Lock) -> list[str]:
    """Return lines that say what was added, removed and updated since the `former` lock."""
    if former is None:
        return ["There was no lock before."]
    if former == lock:
        return ["Nothing changed."]
    before, after = _versions(former), _versions(lock)
    lines = [f"Added {name} {_join(after[name])}" for name in sorted(after.keys() - before.keys())]
    lines += [f"Removed {name} {_join(before[name])}" for name in sorted(before.keys() - after.keys())]
    lines += [
        f"Updated {name} {_join(before[name])} -> {_join(after[name])}"
        for name in sorted(before.keys() & after.keys())
        if before[name] != after[name]
    ]
    return lines or ["No version changed; dependencies, files, groups, roles or build tools did."]


def _versions(lock: Lock) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for _, _, environment in lock.each():
        for name, package in environment.packages.items():
            found.setdefault(name, set()).add(package.version)
    return found


def _join(versions: set[str]) -> str:
    return ", ".join(sorted(versions))
