"""What each module of Cloche's library imports of it: `python ci/house/imports.py` writes python/src/cloche/imports.json.

By that file derivations get the modules that they run and no others (pkgs/python/modules.nix, and `carry` of
cloche.selection.impact.run). Imports inside functions count; those for types alone don't. Modules are named by their files below
python/src/cloche; a package comes with its files that are no modules.

In a derivation (checks/own/imports.nix) it passes when the file is current and the packages keep to their layers.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import grimp

NAME = "imports.json"
# What a package may import of Cloche besides itself and the modules at the root.
LEAVES: dict[str, set[str]] = {
    "untrusted": set(),
    "store": {"untrusted"},
    "outcomes": {"untrusted"},
    "results": {"untrusted"},
    "resilience": set(),
}
# Who may not import whom.
APART = [("selection.impact", "selection.learned"), ("sign", "verify"), ("verify", "sign")]


def data(package: Path, source: Path) -> list[str]:
    """Return the files of a package, and of folders of it that are no packages, that are no modules and no byte code."""
    found = []
    for path in sorted(package.iterdir()):
        if path.is_dir():
            if path.name != "__pycache__" and not (path / "__init__.py").exists():
                found += data(path, source)
        elif path.suffix != ".py":
            found.append(path.relative_to(source).as_posix())
    return found


def needs(graph: grimp.ImportGraph, source: Path) -> dict[str, list[str]]:
    """Return, for each module, the files that it needs by itself: what it imports, and the packages above it."""

    def file(module: str) -> str:
        path = Path(*module.split(".")[1:])
        return (path / "__init__.py" if (source / path).is_dir() else path.with_suffix(".py")).as_posix()

    needed = {}
    for module in graph.modules:
        files = {file(name) for name in graph.find_modules_directly_imported_by(module)}
        words = module.split(".")
        files |= {file(".".join(words[:count])) for count in range(1, len(words))}
        if file(module).endswith("__init__.py") and module != "cloche":
            files |= {*data((source / file(module)).parent, source)}
        needed[file(module)] = sorted(files - {file(module)})
    return dict(sorted(needed.items()))


def breaches(imports: Iterable[tuple[str, str]]) -> list[str]:
    """Return which imports (importer, imported; without "cloche.") break the rules, and which packages form a circle."""
    found = []
    above: dict[str, dict[str, str]] = {}
    for importer, imported in sorted(imports):
        package, other = importer.split(".")[0], imported.split(".")[0]
        told = f"{importer} imports {imported}"
        for one, forbidden in APART:
            if f"{importer}.".startswith(f"{one}.") and f"{imported}.".startswith(f"{forbidden}."):
                found.append(f"{told}: {one} may not know {forbidden}")
        if other == package or "." not in imported:
            continue
        if package in LEAVES and other not in LEAVES[package]:
            found.append(f"{told}: {package} may not know {other}")
        above.setdefault(package, {}).setdefault(other, told)
    return found + [f"a circle of packages: {'; '.join(circle)}" for circle in circles(above)]


def circles(above: dict[str, dict[str, str]]) -> list[list[str]]:
    """Return for each circle of packages the imports that close it."""
    found: dict[frozenset[str], list[str]] = {}

    def walk(package: str, way: list[str]) -> None:
        if package in way:
            circle = way[way.index(package) :]
            ring = zip(circle, [*circle[1:], package], strict=True)
            found.setdefault(frozenset(circle), [above[one][other] for one, other in ring])
            return
        for other in above.get(package, {}):
            walk(other, [*way, package])

    for package in above:
        walk(package, [])
    return list(found.values())


def read(folder: Path) -> tuple[str, list[str]]:
    """Return the text of the file for a folder with the package `cloche`, and the breaches of the rules."""
    sys.path.insert(0, str(folder))
    graph = grimp.build_graph("cloche", cache_dir=None, exclude_type_checking_imports=True)
    rows = [f" {json.dumps(module)}: {json.dumps(files)}" for module, files in needs(graph, folder / "cloche").items()]
    edges = [
        (importer.removeprefix("cloche."), imported.removeprefix("cloche."))
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
    ]
    return "{\n" + ",\n".join(rows) + "\n}\n", breaches(edges)


def main(attributes: dict[str, Any]) -> None:
    """Judge the modules in the folder attributes["source"]."""
    folder = Path(attributes["source"])
    text, wrong = read(folder)
    if (folder / "cloche" / NAME).read_text(encoding="utf-8") != text:
        wrong.append(f"cloche/{NAME} is not what the modules say: run python ci/house/imports.py")
    if wrong:
        sys.exit("\n".join(wrong))
    Path(attributes["outputs"]["out"]).write_text(f"{len(text.splitlines()) - 2} passed, 0 failed\n")


if __name__ == "__main__":
    source = Path(__file__).parents[2] / "python/src"
    text, wrong = read(source)
    (source / "cloche" / NAME).write_text(text, encoding="utf-8")
    sys.exit("\n".join(wrong) or None)
