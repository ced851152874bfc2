"""One output built again from its flake, for `verify --rebuild`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from cloche.reproduce.errors import NixError
from cloche.reproduce.nix import HERE, State, ask, below, build, build_again, closure_of, derivation_of, invalid

# Nothing but what the reference names, and nothing that a build made decides what is built.
# Nor does the flake set options of Nix, whatever the user's configuration lets flakes do.
PURE = (
    *("--pure-eval", "--no-write-lock-file", "--option", "allow-import-from-derivation", "false"),
    *("--option", "accept-flake-config", "false"),
)


class DifferentOutputError(NixError):
    """A derivation that did not come out as it is in the store."""

    def __init__(self, derivation: str, words: str) -> None:
        """Keep the `derivation`, and Nix's or our own `words`."""
        super().__init__(f"{derivation} was built again and did not come out as it is in this store", words)


@dataclass(frozen=True)
class RebuiltOutput:
    """An output that was built on this machine just now."""

    derivation: str
    path: str
    # In hexadecimal, as `nix-store --dump PATH | sha256sum` prints it.
    nar_sha256: str
    # Of the flake's tree that was evaluated, as Nix writes it (SRI).
    source_nar_hash: str
    # HASH-NAME -> hash of the NAR, as Nix writes it (SRI): of all that the output needs at run time, itself included.
    closure: Mapping[str, str]


def rebuild(reference: str, attribute: str, *, source: Path | None = None) -> RebuiltOutput:
    """Build `attribute` of the flake `reference` again, and return what came out.

    With `source`, that folder is the flake; the caller compares `source_nar_hash`. Evaluation is pure. The derivation
    and all that it is built from, down to the sources (which have their hashes), are built here: what is in the
    store already is built a second time and compared, what is not is built and not taken from a binary cache.

    Raises UnknownAttributeError, DifferentOutputError, and NixError for a flake that cannot be read or built.
    """
    flake = f"path:{source.resolve()}" if source is not None else reference
    options = list(PURE)
    told = json.loads(ask(f"the flake {flake} cannot be read", "flake", "metadata", "--json", *PURE[1:], flake))
    locked = told["locked"]
    derivation = derivation_of(str(told.get("url") or flake), attribute, options)
    known = closure_of([derivation])
    parts = [known[path] for path in below(derivation, known)]
    outputs = {path for part in parts for path in part.outputs.values()}
    absent = invalid(sorted(outputs))
    there = [part for part in parts if not absent & set(part.outputs.values())]
    ask(
        "the sources cannot be brought",
        "build",
        "--no-link",
        *(f"{path}^*" for path, part in known.items() if part.fixed),
    )
    build_options = ("--option", "substitute", "false")
    build([derivation], type(HERE)(options=build_options))
    for path, outcome in build_again(there, type(HERE)(options=build_options)).items() if there else ():
        if outcome.state is not State.IDENTICAL:
            raise DifferentOutputError(path, outcome.reason or f"{outcome.output} differs")
    output = known[derivation].outputs.get("out") or next(iter(known[derivation].outputs.values()))
    hashed = ask("the output cannot be hashed", "hash", "path", "--type", "sha256", "--base16", output).strip()
    told = json.loads(ask("the closure of the output cannot be read", "path-info", "--json", "--recursive", output))
    closure = {PurePath(path).name: str(data["narHash"]) for path, data in told.items()}
    return RebuiltOutput(derivation, output, hashed, str(locked.get("narHash", "")), closure)
