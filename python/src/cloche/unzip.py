"""Unpack a pure wheel that serves as a tool of the builders, and compile it; standard library only."""

import compileall
import py_compile
import sys
import zipfile
from typing import Any


def main(attributes: dict[str, Any]) -> None:
    """Unpack attributes["source"] into attributes["outputs"]["out"]."""
    out = attributes["outputs"]["out"]
    with zipfile.ZipFile(attributes["source"]) as archive:
        archive.extractall(out)
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    if not compileall.compile_dir(out, quiet=1, invalidation_mode=mode):
        sys.exit("the tool's modules do not compile")
