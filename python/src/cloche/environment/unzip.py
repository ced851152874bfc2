"""Unpack a pure wheel that serves as a tool of the builders, put modules beside it, and compile all of it.

Standard library only. The wheel is one of Cloche's own lock, and is looked at all the same.
"""

import compileall
import py_compile
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

from cloche.untrusted.archive import check_zip


def main(attributes: dict[str, Any]) -> None:
    """Unpack attributes["source"] and copy the folders attributes["modules"] into attributes["outputs"]["out"]."""
    out = attributes["outputs"]["out"]
    if problems := check_zip(attributes["source"], place="tool"):
        sys.exit("\n  ".join([f"{attributes['source']} is not unpacked:", *problems]))
    with zipfile.ZipFile(attributes["source"]) as archive:
        archive.extractall(out)
    for modules in map(Path, attributes["modules"]):
        for module in modules.rglob("*.py"):
            # Not by copytree, which would keep that folders of the store are read-only.
            target = Path(out, module.relative_to(modules))
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(module, target)
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    if not compileall.compile_dir(out, quiet=1, invalidation_mode=mode):
        sys.exit("the tool's modules do not compile")
