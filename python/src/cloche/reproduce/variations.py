"""The circumstances that are varied, and how each gets into a build without changing its derivation.

Variables and the clock: Nix mounts a folder and the loader's list of preloaded libraries into the sandbox (its setting
`sandbox-paths`), and a library in every process gives the toolchain's variables other values (pkgs/reproduce/vary.c).
Processors: the affinity of Nix itself, which builders inherit, and its setting `cores`. User and machine: Nix is called
as another user, or for another machine. The store is always a second one (again.py).
"""

import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cloche.reproduce.nix import Call

# Where the sandbox shows what varies.
PLACE = "/cloche-vary"
# The file that names preloaded libraries. The toolchain's base calls it by this name that no machine has, so that it
# takes nothing from its host (pkgs/toolchain/debian/build-base.py); the seed, which builds the base, by the usual one.
PRELOAD = b"/etc/ld.so.preload"
NEUTRAL_PRELOAD = re.sub(rb"[a-z]", b"\xff", PRELOAD)


@dataclass(frozen=True)
class Variation:
    """One circumstance: how it is told to people, and the variables that differ."""

    name: str
    text: str
    # Name and value; the value that a build has otherwise is the toolchain's, or none.
    variables: tuple[tuple[str, str], ...] = ()


VARIATIONS = {
    variation.name: variation
    for variation in (
        Variation("cores", "one processor, and two"),
        Variation(
            "date",
            "400 days later",
            # Dates of files stay: they are content (SOURCE_DATE_EPOCH), and what is new is dated by the kernel.
            (("FAKETIME", "+400d"), ("NO_FAKE_STAT", "1"), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")),
        ),
        Variation("timezone", "the time zone of Kathmandu (UTC+5:45)", (("TZ", "Asia/Kathmandu"),)),
        Variation(
            "locale", "Turkish words, letters and numbers", (("LC_ALL", "tr_TR.UTF-8"), ("LOCPATH", f"{PLACE}/locale"))
        ),
        Variation("hashseed", "another seed of Python's hashes", (("PYTHONHASHSEED", "4242"),)),
        Variation("store", "a second store, made from nothing but the sources (always)"),
        Variation("user", "another user, to whom that store belongs"),
        Variation("machine", "another machine, by ssh (--machine)"),
    )
}
# Those that one call can apply all at once.
INSIDE = ("cores", "date", "timezone", "locale", "hashseed")


def processors(count: int) -> frozenset[int] | None:
    """Return that many processors of those that this process may use, or None where it has fewer."""
    mine = sorted(os.sched_getaffinity(0))
    return frozenset(mine[:count]) if len(mine) >= count else None


def prepare(
    names: Iterable[str], tools: Path, environment: dict[str, str], folder: Path, processors_used: int = 1
) -> Call:
    """Return a call of Nix that applies these variations (of INSIDE) in the sandbox.

    `tools` is what pkgs/reproduce makes, `environment` the toolchain's variables, `folder` an empty one to use,
    `processors_used` what the variation of processors means.
    """
    chosen = [VARIATIONS[name] for name in INSIDE if name in set(names)]
    options: list[str | bytes] = []
    cores = "cores" in {variation.name for variation in chosen}
    if cores:
        options += ["--cores", str(processors_used)]
    lines = []
    for name, value in (pair for variation in chosen for pair in variation.variables):
        lines += [name, environment.get(name, ""), value]
    if lines:
        shown = folder / "vary"
        # Copied, since a store's files are not at their paths everywhere.
        shutil.copytree(tools / "lib", shown)
        shown.chmod(0o755)
        (shown / "environment").write_text("\n".join(lines) + "\n", encoding="utf-8")
        libraries = ["libsleep.so", "libfaketime.so.1"] if "FAKETIME" in lines else []
        preload = folder / "preload"
        # The last one is initialised first: it sets what the others read.
        preload.write_text("".join(f"{PLACE}/{name}\n" for name in (*libraries, "libvary.so")), encoding="ascii")
        source = os.fsencode(preload)
        mounts = [PLACE.encode() + b"=" + os.fsencode(shown), NEUTRAL_PRELOAD + b"=" + source, PRELOAD + b"=" + source]
        options += ["--option", "sandbox-paths", b" ".join(mounts)]
    return Call(options=tuple(options), processors=processors(processors_used) if cores else None)
