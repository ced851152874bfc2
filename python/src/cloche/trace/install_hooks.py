"""Install the modules of cloche.trace.hooks as `_cloche_trace`, so that every Python of an environment has them."""

import shutil
from pathlib import Path
from typing import Any

FIRST = '''"""What this test run looks for; see docs/tests.md of Cloche."""

from . import hooks

hooks.start({place!r})
'''


def main(attributes: dict[str, Any]) -> None:
    """Copy attributes["modules"] into a prefix at attributes["outputs"]["out"]."""
    site = Path(attributes["outputs"]["out"], attributes["sitePackages"])
    package = site / "_cloche_trace"
    package.mkdir(parents=True)
    source = Path(attributes["modules"], "cloche")
    for path in sorted(source.rglob("*.py")):
        # The hooks are at the top; what notes the lines that tests run, where it is wanted, finds the others by their places.
        place = path.relative_to(source)
        target = package / (place.name if place.is_relative_to("trace/hooks") else place)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    (package / "__init__.py").write_text(FIRST.format(place=attributes["configuration"]))
    # It sorts before other .pth files, so that what those import is seen.
    (site / "__cloche_trace.pth").write_text("import _cloche_trace\n")
