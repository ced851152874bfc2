"""Put some of a project's modules where its wheel has them, and compile them; with the wheel's unpacker on the path."""

import shutil
from pathlib import Path
from typing import Any

from cloche.environment.wheel import compile_modules, of_tests


def main(attributes: dict[str, Any]) -> None:
    """Copy what attributes["source"] has of attributes["modules"] into a prefix at attributes["outputs"]["out"]."""
    source = Path(attributes["source"])
    site = Path(attributes["outputs"]["out"], attributes["sitePackages"])
    site.mkdir(parents=True)
    for name, place in attributes["modules"].items():
        if not (source / name).exists():
            continue
        (site / place).parent.mkdir(parents=True, exist_ok=True)
        if (source / name).is_dir():
            shutil.copytree(source / name, site / place, symlinks=True, copy_function=shutil.copyfile)
        else:
            shutil.copyfile(source / name, site / place)
    for folder in [path for path in site.rglob("*") if path.is_dir()]:
        folder.chmod(0o755)
    modules = sorted(site.rglob("*.py"))
    compile_modules([path for path in modules if attributes["bytecode"] == "all" or not of_tests(path)])
