"""Make an editable installation by a .pth file that asks the environment where the checkout is; standard library only.

Format of the files: "Recording installed projects" and "Entry points" (packaging.python.org).
"""

import sys
from pathlib import Path
from typing import Any

from cloche.untrusted.entry_points import check_entry_points

PTH = (
    "import os, sys; root = os.environ.get('CLOCHE_PROJECT_ROOT'); "
    "root and sys.path.append(os.path.normpath(os.path.join(root, {directory!r}, {layout!r})))\n"
)
SCRIPT = """\
#!/cloche/python
import sys
from {module} import {name}

if __name__ == "__main__":
    sys.exit({attribute}())
"""


def main(attributes: dict[str, Any]) -> None:
    """Write metadata, entry points, scripts and the .pth file into attributes["outputs"]["out"]."""
    groups = {"console_scripts": attributes["scripts"], **attributes["entryPoints"]}
    if problems := check_entry_points(groups):
        sys.exit("pyproject.toml cannot be installed:\n  " + "\n  ".join(problems))
    out = Path(attributes["outputs"]["out"])
    site = out / attributes["sitePackages"]
    project, version = attributes["project"].replace("-", "_"), attributes["version"]
    information = site / f"{project}-{version}.dist-info"
    information.mkdir(parents=True)
    pth = PTH.format(directory=attributes["directory"], layout=attributes["layout"])
    (site / f"__editable__.{project}.pth").write_text(pth)
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {attributes['project']}\nVersion: {version}\n")
    (information / "INSTALLER").write_text("cloche\n")
    lines = []
    for group, entries in groups.items():
        if entries:
            lines += [f"[{group}]", *(f"{name} = {value}" for name, value in sorted(entries.items())), ""]
    (information / "entry_points.txt").write_text("\n".join(lines))
    (out / "bin").mkdir()
    for name, value in attributes["scripts"].items():
        module, _, attribute = value.partition(":")
        script = out / "bin" / name
        first = attribute.strip().split(".")[0]
        script.write_text(SCRIPT.format(module=module.strip(), name=first, attribute=attribute.strip()))
        script.chmod(0o755)
