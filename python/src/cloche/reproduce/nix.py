"""Calls of Nix: what the derivations of outputs are, and the hashes of what a store has.

No word that Nix writes for people decides anything here: which paths are valid and what their NARs hash to is read from
`path-info --json`, what a derivation is from its .drv file. Words are only shown.
"""

import json
import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cache
from pathlib import Path

from cloche.errors import ClocheError, ExitCode
from cloche.store import derivation as drv

FEATURES = ["--extra-experimental-features", "nix-command flakes"]
# `nix run` on a store that is not at /nix starts programs in a user namespace, where nobody can change groups.
_SETGROUPS = Path("/proc/self/setgroups")
if _SETGROUPS.exists() and _SETGROUPS.read_text(encoding="ascii").strip() == "deny":
    FEATURES += ["--option", "require-drop-supplementary-groups", "false"]
SYSTEM = f"{os.uname().machine}-linux"


def nix_failed(what: str, words: str) -> ClocheError:
    """Return the error of a call of Nix that ended with an error which is not about the builds in question."""
    return ClocheError(f"{what}; Nix says:\n{words.strip()}", ExitCode.ENVIRONMENT_LACKS)


@dataclass(frozen=True)
class Call:
    """How Nix is called: what comes before its name, its options, and the processors that it may use."""

    prefix: tuple[str, ...] = ()
    program: str = "nix"
    options: tuple[str | bytes, ...] = ()
    processors: frozenset[int] | None = None
    environment: dict[str, str] = field(default_factory=dict)

    def at(self, store: str) -> "Call":
        """Return the same call about another store."""
        return replace(self, options=(*self.options, "--store", store))

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
    """What is known of a derivation that was built again."""

    IDENTICAL = "identical"
    DIFFERENT = "different"
    UNKNOWN = "unknown"
    # A measurement, which is no function of its inputs: it is not built again.
    NOT_COMPARED = "not compared"


@dataclass(frozen=True)
class Derivation:
    """One derivation: its path, its outputs by name, what it needs, and whether it is a source (a fixed output)."""

    path: str
    outputs: dict[str, str]
    # Derivations, and the names of their outputs that are needed.
    inputs: Mapping[str, tuple[str, ...]]
    fixed: bool
    measurement: bool = False

    @property
    def compared(self) -> list[str]:
        """Return the paths of the outputs whose bytes count: all but a `log` beside others, which holds durations."""
        return [path for name, path in sorted(self.outputs.items()) if name != "log" or len(self.outputs) == 1]


def ask(what: str, *arguments: str, call: Call = HERE) -> str:
    """Return what Nix prints; raises ClocheError, saying `what` it could not do."""
    done = call.run(*arguments)
    if done.returncode:
        raise nix_failed(what, done.stderr)
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
    """Return the derivation of an output; raises ClocheError."""
    installable = attribute if "#" in attribute or attribute.startswith("/nix/store/") else f"{flake}#{attribute}"
    done = HERE.run("path-info", "--derivation", *options, installable)
    if done.returncode or len(done.stdout.split()) != 1:
        raise ClocheError(f"{flake} has no output {attribute!r} that can be built; Nix says:\n{done.stderr.strip()}")
    return done.stdout.strip()


def closure_of(derivations: Iterable[str]) -> dict[str, Derivation]:
    """Return all derivations that these are built from, themselves included, by path; raises ClocheError."""
    found: dict[str, Derivation] = {}
    left = list(derivations)
    while left:
        path = left.pop()
        if path not in found:
            found[path] = _read(path)
            left += found[path].inputs
    return found


@cache
def _read(path: str) -> Derivation:
    try:
        read = drv.of_file(Path(path))
    except drv.BadDerivationError as error:
        raise nix_failed(f"{path} is no derivation that this Cloche can read", str(error)) from error
    except OSError as error:
        where = "; is the store at another place on this disk? Then run this by `nix run`, which shows it at /nix"
        raise nix_failed(f"{path} cannot be read", f"{error.strerror}{where}") from error
    outputs = {name: place for name, place, _, _ in read.outputs}
    if not all(outputs.values()):
        raise nix_failed(
            f"{path} cannot be built again and compared",
            "its outputs have no path before they are built (content-addressed)",
        )
    fixed = any(digest for _, _, _, digest in read.outputs)
    # As a structured attribute, and as a variable.
    measurement = read.attributes.get("measurement") in (True, "1")
    return Derivation(path, outputs, read.inputs, fixed, measurement=measurement)


def below(derivation: str, known: Mapping[str, Derivation]) -> list[str]:
    """Return the derivations that one is built from, itself included, without sources; sorted."""
    found: set[str] = set()
    left = [derivation]
    while left:
        path = left.pop()
        if path not in found and not known[path].fixed:
            found.add(path)
            left += known[path].inputs
    return sorted(found)


def build(derivations: Iterable[str], call: Call = HERE) -> None:
    """Build these; raises ClocheError."""
    ask(
        "the outputs cannot be built at all",
        "build",
        "--no-link",
        "--keep-going",
        *(f"{path}^*" for path in derivations),
        call=call,
    )


def hashes(paths: Iterable[str], call: Call = HERE, *, recursive: bool = False) -> dict[str, str]:
    """Return the NAR hash, as Nix writes it (SRI), of each of these paths that is valid; raises ClocheError.

    With `recursive`, also those of all that they refer to.
    """
    wanted = sorted(set(paths))
    if not wanted:
        return {}
    options = ("--recursive",) if recursive else ()
    told = ask(
        "the store cannot be asked what it has", "path-info", "--json", *_form(call), *options, *wanted, call=call
    )
    return nar_hashes(told, wanted)


@cache
def _form_of(program: str) -> tuple[str, ...]:
    """Return the options by which this Nix writes the JSON that `nar_hashes` reads: newer ones (2.34) want to be told."""
    option = ("--json-format", "1")
    done = subprocess.run(
        [program, *FEATURES, "path-info", "--json", *option, "--stdin"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return () if done.returncode else option


def _form(call: Call) -> tuple[str, ...]:
    return _form_of(call.program)


def nar_hashes(text: str, wanted: Iterable[str]) -> dict[str, str]:
    """Return the NAR hashes in what `path-info --json` printed, an object by path (2.26, and form 1 of 2.34).

    A path that is not valid has null (or, where a store could not say so, no entry), and is left out. Raises ClocheError
    for any other form, and where nothing is said about a path that is `wanted`.
    """
    what = "`nix path-info --json` printed what this Cloche cannot read"
    try:
        told = json.loads(text)
    except ValueError as error:
        raise nix_failed(what, f"{error}: {text[:500]}") from error
    if not isinstance(told, dict) or any(path not in told for path in wanted):
        raise nix_failed(what, text[:500])
    found = {}
    for path, entry in told.items():
        if entry is None:
            continue
        digest = entry.get("narHash") if isinstance(entry, dict) else None
        if not isinstance(digest, str) or not digest.startswith("sha256-"):
            raise nix_failed(what, f"{path}: {str(entry)[:500]}")
        found[path] = digest
    return found
