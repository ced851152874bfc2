"""Install the modules of cloche.tracing as `_cloche_trace`, so that every Python of an environment has them."""

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
    for module in ("hooks.py", "packages.py", "plugin.py", "words.py"):
        shutil.copyfile(Path(attributes["modules"], "cloche/tracing", module), package / module)
    # What notes the lines that tests run, where it is wanted.
    if (impact := Path(attributes["modules"], "cloche/impact")).exists():
        shutil.copytree(
            impact, package / "impact", ignore=shutil.ignore_patterns("__pycache__"), copy_function=shutil.copyfile
        )
        (package / "impact").chmod(0o755)
        (package / "outcomes").mkdir()
        shutil.copyfile(Path(attributes["modules"], "cloche/outcomes/reports.py"), package / "outcomes/reports.py")
    (package / "__init__.py").write_text(FIRST.format(place=attributes["configuration"]))
    # It sorts before other .pth files, so that what those import is seen.
    (site / "__cloche_trace.pth").write_text("import _cloche_trace\n")
