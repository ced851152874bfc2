"""Run commands in a copy of a source tree and record what each said; standard library only."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any


def main(attributes: dict[str, Any]) -> None:
    """Run each of attributes["commands"] and write commands.json into attributes["outputs"]["out"]."""
    tree = Path(os.environ["NIX_BUILD_TOP"], "project")
    shutil.copytree(attributes["source"], tree, symlinks=True)
    environment = {
        **os.environ,
        "PATH": f"{attributes['environment']}/bin:{os.environ['PATH']}",
        "COLUMNS": "120",
        "NO_COLOR": "1",
    }
    if not attributes["commands"]:
        sys.exit("there is no command to run, so nothing would be checked")
    recorded = []
    for command in attributes["commands"]:
        program = Path(attributes["environment"], "bin", command[0])
        if not program.exists():
            sys.exit(
                f"{command[0]} is not in the environment; add it to the dependency group of this check and run 'nix run .#lock'"
            )
        done = subprocess.run(
            [str(program), *command[1:]],
            cwd=tree,
            env=environment,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        words = done.stdout.decode(errors="replace")
        sys.stdout.write(f"$ {shlex.join(command)}\n{words}")
        if done.returncode < 0:
            # Killed, as where memory runs out: that says nothing about the project.
            sys.exit(f"{shlex.join(command)} was ended by signal {-done.returncode}")
        recorded.append({"command": shlex.join(command), "code": done.returncode, "output": words})
    record = Path(attributes["outputs"]["out"])
    record.mkdir()
    text = json.dumps({"version": 1, "commands": recorded}, indent=1, sort_keys=True, ensure_ascii=False)
    (record / "commands.json").write_text(text + "\n", encoding="utf-8")
