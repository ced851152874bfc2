"""What the sources import, whether or not the traced run came to it: grimp's graph of a package, and a test's own lines."""

import ast
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grimp


@contextmanager
def importable(folder: Path) -> Iterator[None]:
    """Put a folder on sys.path for a while; grimp finds packages there, and imports none."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


class Imports:
    """Which files of a project's packages a file imports, directly or through others."""

    def __init__(self, project: Path, modules: dict[str, str]) -> None:
        """Read the packages `modules`: source folder -> place in site-packages."""
        self.project = project
        self.files: dict[str, str] = {}
        self.graphs: dict[str, grimp.ImportGraph] = {}
        for root, place in sorted(modules.items()):
            if not (project / root / "__init__.py").exists() or "/" in place:
                continue
            with importable((project / root).parent):
                graph = grimp.build_graph(place, cache_dir=None, exclude_type_checking_imports=True)
            for module in graph.modules:
                self.graphs[module] = graph
                self.files[module] = file_of(project, root, module.split(".")[1:])
        self.names = {file: module for module, file in self.files.items()}

    def of_package(self, file: str) -> set[str]:
        """Return the files that a module of a package imports, directly or through others."""
        module = self.names.get(file)
        if module is None:
            return set()
        return {self.files[each] for each in self.graphs[module].find_upstream_modules(module)}

    def of_test(self, file: str) -> set[str]:
        """Return the package's files that a file of the tests' tree imports by itself, inside of functions too."""
        path = self.project / file
        if path.suffix != ".py" or not path.is_file():
            return set()
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):
            return set()
        found: set[str] = set()
        for node in ast.walk(tree):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            for name in names:
                parts = name.split(".")
                above = [".".join(parts[:end]) for end in range(1, len(parts) + 1)]
                found |= {self.files[each] for each in above if each in self.files}
        return found


def file_of(project: Path, root: str, parts: list[str]) -> str:
    """Return the file of a module below a package's folder."""
    stem = "/".join([root, *parts])
    return f"{stem}/__init__.py" if (project / stem / "__init__.py").exists() else f"{stem}.py"
