"""One output built again from its flake, for `verify --rebuild`."""

import errno
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath

from cloche.reproduce.again import empty_store
from cloche.reproduce.nix import Call, ask, closure_of, derivation_of, hashes, nix_failed

# As many as Linux follows.
_LINKS = 40
# Nothing but what the reference names, and nothing that a build made decides what is built.
# Nor does the flake set options of Nix, whatever the user's configuration lets flakes do.
PURE = (
    *("--pure-eval", "--no-write-lock-file", "--option", "allow-import-from-derivation", "false"),
    *("--option", "accept-flake-config", "false"),
)


@dataclass(frozen=True)
class RebuiltOutput:
    """An output that was built on this machine just now, in a store of its own, which is removed afterwards."""

    derivation: str
    path: str
    # The folder that has this store's /nix.
    root: Path
    # Of the flake's tree that was evaluated, as Nix writes it (SRI).
    source_nar_hash: str
    # Store path -> hash of the NAR, as Nix writes it (SRI): of all that the output needs at run time, itself included.
    closure: Mapping[str, str]

    def place(self, path: PurePath) -> Path:
        """Return where a path, with the links that lead from it, lies on this disk; raises OSError for a circle."""
        left, found = list(reversed(path.parts[1:])), PurePath("/")
        for _ in range(_LINKS):
            while left and not (Path(f"{self.root}{found / left[-1]}")).is_symlink():
                part = left.pop()
                found = found.parent if part == ".." else found / part
            if not left:
                return Path(f"{self.root}{found}")
            target = Path(f"{self.root}{found / left.pop()}").readlink()
            found = PurePath("/") if target.is_absolute() else found
            left += reversed(target.parts[1:] if target.is_absolute() else target.parts)
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))


@contextmanager
def rebuild(reference: str, attribute: str, *, source: Path | None = None) -> Iterator[RebuiltOutput]:
    """Build `attribute` of the flake `reference` again, and yield what came out.

    With `source`, that folder is the flake; the caller compares `source_nar_hash`. Evaluation is pure. The output and all
    that it is built from, down to the sources (which have their hashes), are built in a second store. Nothing that was
    built before, here or by anybody, is believed.

    Raises ClocheError for a flake that cannot be read or built.
    """
    flake = f"path:{source.resolve()}" if source is not None else reference
    options = list(PURE)
    told = json.loads(ask(f"the flake {flake} cannot be read", "flake", "metadata", "--json", *PURE[1:], flake))
    locked = told["locked"]
    derivation = derivation_of(str(told.get("url") or flake), attribute, options)
    known = closure_of([derivation])
    sources = [part for part in known.values() if part.fixed]
    if sources:
        ask("the sources cannot be brought", "build", "--no-link", *(f"{part.path}^*" for part in sources))
    outputs = known[derivation].outputs
    output = outputs.get("out") or next(iter(outputs.values()))
    with tempfile.TemporaryDirectory(prefix="cloche-rebuild.") as folder, empty_store(Path(folder, "store")) as store:
        store.bring([derivation], [path for part in sources for path in part.outputs.values()], checked=True)
        if brought := hashes(
            (path for part in known.values() if not part.fixed for path in part.outputs.values()), store.call
        ):
            raise nix_failed(
                "not everything would be built again", f"the sources refer to {', '.join(sorted(brought))}"
            )
        words = store.build([derivation], Call())
        if output not in hashes([output], store.call):
            raise nix_failed(f"{derivation} was built again and there is no {output}", words)
        closure = hashes([output], store.call, recursive=True)
        yield RebuiltOutput(derivation, output, Path(folder, "store"), str(locked.get("narHash", "")), closure)
