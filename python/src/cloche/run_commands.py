"""Run commands in a copy of a source tree and fail when one of them does; standard library only."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any


def main(attributes: dict[str, Any]) -> None:
    """Run each of attributes["commands"] and write what they printed into attributes["outputs"]["out"]."""
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
    failed, words = [], []
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
        text = f"$ {shlex.join(command)}\n{done.stdout.decode(errors='replace')}"
        words.append(text)
        sys.stdout.write(text)
        if done.returncode:
            failed.append(f"{shlex.join(command)} ended with {done.returncode}")
    if failed:
        sys.exit("; ".join(failed))
    Path(attributes["outputs"]["out"]).write_text("".join(words))
