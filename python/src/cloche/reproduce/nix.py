"""Calls of Nix: what the derivations of outputs are, and building them again."""

import json
import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path, PurePath
from typing import Any

from cloche.reproduce.errors import NixError, UnknownAttributeError

FEATURES = ["--extra-experimental-features", "nix-command flakes"]
# `nix run` on a store that is not at /nix starts programs in a user namespace, where nobody can change groups.
_SETGROUPS = Path("/proc/self/setgroups")
if _SETGROUPS.exists() and _SETGROUPS.read_text(encoding="ascii").strip() == "deny":
    FEATURES += ["--option", "require-drop-supplementary-groups", "false"]
SYSTEM = f"{os.uname().machine}-linux"
_DIFFERS = re.compile(
    r"derivation '(?P<drv>/nix/store/[^']+\.drv)' may not be deterministic: "
    r"output '(?P<output>[^']+)' differs(?: from '(?P<kept>[^']+)')?"
)
_FAILED = re.compile(
    r"error: builder for '(?P<drv>/nix/store/[^']+\.drv)' (?P<how>failed[^;\n]*);?(?P<words>(?:\n {7,}.*)*)"
)
_CANNOT = re.compile(
    r"error: (?:a '[^']+' with features .* is required to build|unable to build|build of) '(?P<drv>[^']+\.drv)'(?P<how>.*)"
)


@dataclass(frozen=True)
class Call:
    """How Nix is called: what comes before its name, its options, and the processors that it may use."""

    prefix: tuple[str, ...] = ()
    program: str = "nix"
    options: tuple[str | bytes, ...] = ()
    processors: frozenset[int] | None = None
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str | bytes) -> subprocess.CompletedProcess[str]:
        """Run nix to its end."""

        def limit() -> None:
            if self.processors is not None:
                os.sched_setaffinity(0, self.processors)

        return subprocess.run(
            [*self.prefix, self.program, *FEATURES, *arguments, *self.options],
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, **self.environment},
            preexec_fn=limit,
        )


HERE = Call()


class State(Enum):
    """What came of building one derivation again."""

    IDENTICAL = "identical"
    DIFFERENT = "different"
    FAILED = "not rebuildable"


@dataclass(frozen=True)
class Outcome:
    """What came of building one derivation again: which output differs and where the other is kept, or why it failed."""

    state: State
    output: str = ""
    other: str = ""
    reason: str = ""


def ask(what: str, *arguments: str, call: Call = HERE) -> str:
    """Return what Nix prints; raises NixError, saying `what` it could not do."""
    done = call.run(*arguments)
    if done.returncode:
        raise NixError(what, done.stderr)
    return done.stdout


def attributes_of(flake: str) -> list[str]:
    """Return the names of the flake's packages for this system."""
    expression = "packages: builtins.attrNames packages"
    listed = ask(
        f"the packages of {flake} cannot be listed",
        "eval",
        "--json",
        f"{flake}#packages.{SYSTEM}",
        "--apply",
        expression,
    )
    names: list[str] = json.loads(listed)
    return names


def derivation_of(flake: str, attribute: str, options: Sequence[str] = ()) -> str:
    """Return the derivation of an output; raises UnknownAttributeError."""
    installable = attribute if "#" in attribute or attribute.startswith("/nix/store/") else f"{flake}#{attribute}"
    done = HERE.run("path-info", "--derivation", *options, installable)
    if done.returncode or len(done.stdout.split()) != 1:
        raise UnknownAttributeError(flake, attribute, done.stderr)
    return done.stdout.strip()


@dataclass(frozen=True)
class Derivation:
    """One derivation: its path, its outputs by name, and whether it is a source (a fixed output)."""

    path: str
    outputs: dict[str, str]
    inputs: tuple[str, ...]
    fixed: bool


def closure_of(derivations: Iterable[str]) -> dict[str, Derivation]:
    """Return all derivations that these are built from, themselves included, by path."""
    shown: dict[str, dict[str, Any]] = json.loads(
        ask("the derivations cannot be read", "derivation", "show", "--recursive", *derivations)
    )
    return {
        path: Derivation(
            path,
            {name: str(output.get("path", "")) for name, output in data["outputs"].items()},
            tuple(data["inputDrvs"]),
            any("hash" in output for output in data["outputs"].values()),
        )
        for path, data in shown.items()
    }


def below(derivation: str, known: dict[str, Derivation]) -> list[str]:
    """Return the derivations that one is built from, itself included, without sources; sorted."""
    found: set[str] = set()
    left = [derivation]
    while left:
        path = left.pop()
        if path not in found and not known[path].fixed:
            found.add(path)
            left += known[path].inputs
    return sorted(found)


def invalid(paths: Sequence[str]) -> set[str]:
    """Return those of the paths that the store does not have."""
    command = ["nix-store", "--check-validity", "--print-invalid", *paths]
    done = subprocess.run(command, capture_output=True, check=False, encoding="utf-8")
    if done.returncode:
        raise NixError("the store cannot be asked what it has", done.stderr)
    return set(done.stdout.split())


def build(derivations: Iterable[str], call: Call = HERE) -> None:
    """Build these; raises NixError."""
    ask(
        "the outputs cannot be built at all",
        "build",
        "--no-link",
        "--keep-going",
        *(f"{path}^*" for path in derivations),
        call=call,
    )


def build_again(derivations: Sequence[Derivation], call: Call) -> dict[str, Outcome]:
    """Build valid derivations again and return what came of each; Nix compares the bytes.

    An output called `log` is not compared: it holds what differs from run to run, such as durations, and nothing is
    made from it. Raises NixError when the call failed for another reason than a build's.
    """
    installables = [f"{derivation.path}^*" for derivation in derivations]
    done = call.run("build", "--no-link", "--rebuild", "--keep-going", "--keep-failed", *installables)
    found = {derivation.path: Outcome(State.IDENTICAL) for derivation in derivations}
    # By their names, since Nix tells where a path lies on the disk.
    logs = {PurePath(derivation.outputs["log"]).name for derivation in derivations if "log" in derivation.outputs}
    told = False
    for match in _FAILED.finditer(done.stderr):
        told = True
        found[match["drv"]] = Outcome(State.FAILED, reason=_reason(match["how"] + match["words"]))
    for match in _DIFFERS.finditer(done.stderr):
        told = True
        if PurePath(match["output"]).name not in logs:
            found[match["drv"]] = Outcome(State.DIFFERENT, match["output"], match["kept"] or "")
    for match in _CANNOT.finditer(done.stderr):
        told = True
        if found.get(match["drv"], Outcome(State.IDENTICAL)).state is State.IDENTICAL:
            found[match["drv"]] = Outcome(State.FAILED, reason=_reason(match[0]))
    if done.returncode and not told:
        raise NixError("the outputs cannot be built again", done.stderr)
    return found


def _reason(words: str) -> str:
    lines = [line.strip() for line in words.strip().splitlines()]
    return "\n".join(line for line in lines if line and "nix log" not in line and "For full logs" not in line)
