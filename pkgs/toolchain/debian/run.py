"""Make the sandbox a place where ordinary programs work, then call the script's main with the attributes.

The sandbox has no /bin/sh, and programs that miss it fail silently (os.system returns 32512), so both runners
make it.
"""

import json
import os
import sys


def prepare(base: str) -> None:
    """Create /bin/sh, /usr/bin/env and a home; idempotent."""
    for link, target in (("/bin/sh", "bin/bash"), ("/usr/bin/env", "bin/env")):
        if not os.path.lexists(link):
            os.makedirs(os.path.dirname(link), exist_ok=True)
            os.symlink(os.path.join(base, target), link)
    os.environ["HOME"] = os.environ["TMPDIR"] = os.environ["NIX_BUILD_TOP"]
    os.environ["PATH"] = os.path.join(base, "bin")


def start() -> None:
    with open(os.environ["NIX_ATTRS_JSON_FILE"], encoding="utf-8") as file:
        attributes = json.load(file)
    prepare(attributes["base"])
    # Structured attributes are not exported; these are part of the world that a build sees.
    for name, value in attributes.items():
        if name.isupper() and isinstance(value, str):
            os.environ[name] = value
    sys.path[:0] = attributes.get("path", [])
    with open(attributes["script"], "rb") as file:
        code = compile(file.read(), attributes["script"], "exec")
    namespace = {"__name__": "cloche_script", "__file__": attributes["script"]}
    exec(code, namespace)
    namespace["main"](attributes)


start()
