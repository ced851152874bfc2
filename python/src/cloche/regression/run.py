"""Run an experiment on a pinned numeric platform and record its result; standard library only.

Output `out` has the result under the name `result.FORMAT`, and `platform.json`: both the same on every machine that the
pins make equal. Output `log` has the program's words, how long it took, and on which processor. A command that fails, and
a pin that did not take effect, are no result: the derivation fails, and nothing is stored.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from cloche.regression import pins as pinning


def flags() -> tuple[frozenset[str], str]:
    """Return the processor's flags and its name, as Linux has them; nothing on processors that list them otherwise."""
    found: dict[str, str] = {}
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        found.setdefault(name.strip(), value.strip())
    return frozenset(found.get("flags", "").split()), found.get("model name", "unknown")


def probed(python: Path, probe: str, environment: dict[str, str], **variables: str) -> dict[str, Any]:
    """Return the record of an idle process of the environment's Python with some variables."""
    done = subprocess.run([python, probe], env=environment | variables, check=True, stdout=subprocess.PIPE)
    record: dict[str, Any] = json.loads(done.stdout)
    return record


def copy(files: list[str], project: Path) -> None:
    """Copy what the command may read, each a folder of the store with files of the project."""
    project.mkdir()
    for tree in files:
        shutil.copytree(tree, project, symlinks=True, dirs_exist_ok=True)
    for path in [project, *project.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | 0o200)


def merged(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Return one record for all processes of a run: what any of them has loaded."""
    libraries = {json.dumps(pool, sort_keys=True): pool for record in records for pool in record["pools"]}
    numpy = [record["numpy"] for record in records if record["numpy"] is not None]
    first = records[0]
    return {
        "python": first["python"],
        "libc": first["libc"],
        "libm": first["libm"],
        "numpy": numpy[0] if numpy else None,
        "pools": [libraries[key] for key in sorted(libraries)],
    }


def computed(
    attributes: dict[str, Any], environment: dict[str, str], top: Path
) -> tuple[float, Path, list[dict[str, Any]]]:
    """Run the command; return its seconds, the file that it wrote, and the records of its processes."""
    option = f"cloche.regression.{attributes['experiment']}"
    project, records, hook = top / "project", top / "records", top / "hook"
    copy(attributes["files"], project)
    result = project / attributes["result"]
    if result.is_symlink() or result.exists():
        sys.exit(
            f"{option}.files has {attributes['result']}, which the command has to write (option `result'): were it not written, the old\n"
            "one would be the result. Take it out of files. Nothing is recorded."
        )
    records.mkdir()
    hook.mkdir()
    shutil.copyfile(attributes["probe"], hook / "sitecustomize.py")
    environment |= {"PYTHONPATH": str(hook), "CLOCHE_PLATFORM_RECORDS": str(records)}
    words, start = top / "words", time.monotonic()
    with words.open("wb") as file:
        try:
            done = subprocess.run(
                attributes["command"], cwd=project, env=environment, check=False, stdout=file, stderr=file
            )
        except OSError as error:
            sys.exit(
                f"{option}.command: {attributes['command'][0]!r} cannot be started: {error.strerror}; nothing is recorded."
            )
    seconds = time.monotonic() - start
    sys.stdout.write(words.read_text(errors="replace"))
    if done.returncode:
        how = f"was killed by signal {-done.returncode}" if done.returncode < 0 else f"ended with {done.returncode}"
        sys.exit(f"{option}.command {how}; its words are above. Nothing is recorded.")
    if not result.is_file():
        sys.exit(
            f"{option}.command wrote no {attributes['result']} (option `result'); its words are above. Nothing is recorded."
        )
    return seconds, result, [json.loads(path.read_text(encoding="utf-8")) for path in sorted(records.iterdir())]


def main(attributes: dict[str, Any]) -> None:
    """Run attributes["command"] and write the two outputs."""
    name, top = attributes["experiment"], Path(os.environ["NIX_BUILD_TOP"])
    pins = pinning.of_data(attributes["pins"])
    option = f"cloche.regression.{name}"
    if both := sorted(pinning.PINNED & set(attributes["variables"])):
        sys.exit(f"{option}.variables sets {', '.join(both)}, which the pins set; use {option}.pins")
    python = Path(attributes["environment"], "bin/python")
    binaries = [f"{prefix}/bin" for prefix in [attributes["environment"], *attributes["programs"]]]
    plain = {**os.environ, "PATH": ":".join([*binaries, os.environ["PATH"]]), **attributes["variables"]}
    plain["CLOCHE_THREADPOOLCTL"] = attributes["threadpoolctl"]
    free = probed(python, attributes["probe"], plain)
    without = probed(python, attributes["probe"], plain, GLIBC_TUNABLES=f"glibc.cpu.hwcaps={pinning.WITHOUT_FMA}")
    here, model = flags()
    machine = pinning.Machine(here, free["libm"], without["libm"])
    if lacking := pinning.lacking(pins, machine):
        sys.exit(
            f'this processor ({model}) lacks {", ".join(lacking)}, which {option}.pins.level = "{pins.level}" needs; nothing is recorded.'
        )
    variables = pinning.variables(pins, free["numpy"])
    expected = probed(python, attributes["probe"], plain, PYTHONHASHSEED=variables["PYTHONHASHSEED"])["hash"]

    seconds, result, found = computed(attributes, plain | variables, top)
    if not found:
        sys.exit(
            f"{option}: no Python process of the run said on which numeric platform it computed, so no pin is known to\n"
            "have taken effect. The command must run the environment's Python without -I, -S or -E, and let it end by itself."
        )
    if wrong := sorted({fault for record in found for fault in pinning.faults(pins, record, expected, machine)}):
        sys.exit(f"{option}.pins did not take effect, so nothing is recorded:\n  " + "\n  ".join(wrong))

    out, log = Path(attributes["outputs"]["out"]), Path(attributes["outputs"]["log"])
    out.mkdir()
    log.mkdir()
    shutil.copyfile(result, out / f"result.{attributes['format']}")
    platform = {"version": 1, "class": attributes["class"], "pins": variables, **merged(found)}
    (out / "platform.json").write_text(json.dumps(platform, indent=1, sort_keys=True) + "\n")
    shutil.copyfile(top / "words", log / "words")
    about = {"seconds": seconds, "processor": model, "flags": sorted(here), "processes": len(found)}
    (log / "run.json").write_text(json.dumps(about, indent=1, sort_keys=True) + "\n")
    # By this link `nix build --rebuild` looks at the result before it comes to the durations.
    (log / "record").symlink_to(out)
