"""Building derivations again in a second, empty store, and comparing the NAR hash of each output.

Nix can compare by itself (`--rebuild`), but it stops at the first output that differs, and ends with the same code for a
build that differs and one that fails. A second store shows all: what is valid there was built there.
"""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from cloche.reproduce.nix import FEATURES, HERE, Call, Derivation, State, ask, hashes, nix_failed

# As any that is nobody's on a usual machine.
USER = 61_000
# What is valid after a build was built here and now: not brought from a cache, by another machine, or told to anybody.
BUILD = (
    *("--no-link", "--keep-going", "--option", "substitute", "false"),
    *("--option", "builders", "", "--option", "post-build-hook", ""),
)
_WORDS, _LINES = 2000, 20


@dataclass(frozen=True)
class Outcome:
    """What is known of one derivation: which outputs differ, what there is to read, and what came out."""

    state: State
    different: tuple[str, ...] = ()
    text: str = ""
    made: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Store:
    """A second store: the address that Nix knows it by, and the folder that has its /nix, if that is on this disk."""

    address: str
    root: Path | None = None

    @property
    def call(self) -> Call:
        """Calls of Nix that are about this store."""
        return HERE.at(self.address)

    def bring(self, wanted: Sequence[str], outputs: Sequence[str], *, checked: bool = False) -> None:
        """Copy derivations with what they are written with, and outputs with what these refer to; raises ClocheError.

        With `checked`, only what its own path proves is taken: the store is not asked to believe this one.
        """
        check = ("--option", "require-sigs", "true") if checked else ("--no-check-sigs",)
        for what, words in (
            ("derivations", ("--derivation", *sorted(set(wanted)))),
            ("inputs", tuple(sorted(set(outputs)))),
        ):
            if words:
                failed = f"the {what} cannot be copied to {self.address}"
                ask(failed, "copy", *check, "--to", self.address, *words)

    def build(self, derivations: Sequence[str], call: Call) -> str:
        """Build here what is not valid yet, and return Nix's words, which decide nothing. Raises ClocheError if Nix is killed."""
        done = call.at(self.address).run("build", *BUILD, *(f"{path}^*" for path in derivations))
        if done.returncode < 0:
            raise nix_failed(f"Nix was ended by signal {-done.returncode} while it built", done.stderr[-_WORDS:])
        return done.stderr

    def place(self, path: str, folder: Path) -> Path:
        """Return where a store path can be read; what is on no disk of ours is written to `folder`. Raises ClocheError."""
        if self.root is not None:
            return Path(f"{self.root}{path}")
        target = folder / Path(path).name
        command = ["nix", *FEATURES, "store", "dump-path", path, "--store", self.address]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as dump:
            done = subprocess.run(["nix-store", "--restore", target], stdin=dump.stdout, check=False)
        if done.returncode or dump.returncode:
            raise nix_failed(f"{path} cannot be read from {self.address}", "(its words are above)")
        return target


@contextmanager
def empty_store(folder: Path) -> Iterator[Store]:
    """Yield a store in a new folder of that name, and remove it afterwards."""
    folder.mkdir(mode=0o755)
    try:
        yield Store(str(folder), folder)
    finally:
        remove(folder)


@contextmanager
def empty_store_on(address: str) -> Iterator[Store]:
    """Yield a store of our own on another machine, and collect what is in it afterwards.

    A store that the address itself names (`remote-store=`) is taken as it is.
    """
    if "remote-store=" in address:
        yield Store(address)
        return
    separator = "&" if "?" in address else "?"
    store = Store(f"{address}{separator}remote-store=/tmp/cloche-reproduce.{secrets.token_hex(8)}")
    try:
        yield store
    finally:
        store.call.run("store", "gc")


def remove(folder: Path) -> None:
    """Remove a folder with store paths, which are read-only."""
    subprocess.run(["chmod", "-R", "u+w", folder], check=False, stderr=subprocess.DEVNULL)
    shutil.rmtree(folder, ignore_errors=True)


def again(store: Store, derivations: Sequence[Derivation], call: Call) -> dict[str, Outcome]:
    """Build derivations in a store that has what they are built from, and return the outcomes that are known now.

    At least one is. There is none yet for one whose outputs were brought there as a part of something else, nor for one
    that was built from an output which did not come out as it is here: these need another store, which gets it from
    here. Raises ClocheError.
    """
    outputs = [path for each in derivations for path in each.outputs.values()]
    brought = hashes(outputs, store.call)
    ready = {each.path: each for each in derivations if not brought.keys() & set(each.outputs.values())}
    if not ready:
        text = f"{store.address} has it already, so it cannot be built there: name a store that is empty"
        return {each.path: Outcome(State.UNKNOWN, text=text) for each in derivations}
    words = store.build(sorted(ready), call)
    here, there = hashes(outputs), hashes(outputs, store.call)
    found = {}
    for path in untainted(ready, here, there):
        outcome = compared(ready[path], here, there)
        if outcome.state is State.UNKNOWN:
            outcome = replace(outcome, text=f"{outcome.text}\n{_words(store, path, words)}".strip())
        found[path] = outcome
    return found


def given(derivations: Sequence[Derivation], known: Mapping[str, Derivation]) -> list[str]:
    """Return the outputs that derivations are built from and that are no outputs of theirs."""
    among = {each.path for each in derivations}
    inputs = [item for each in derivations for item in each.inputs.items()]
    return sorted({known[path].outputs[name] for path, names in inputs if path not in among for name in names})


def compared(derivation: Derivation, here: Mapping[str, str], there: Mapping[str, str]) -> Outcome:
    """Return what the hashes of two stores say about one derivation: without a hash of each output it is unknown."""
    outputs = sorted(derivation.outputs.values())
    for hashed, where in ((here, "this store does not have"), (there, "it was not built again: there is no")):
        if missing := [path for path in outputs if path not in hashed]:
            return Outcome(State.UNKNOWN, text=f"{where} {' and '.join(missing)}")
    different = tuple(path for path in derivation.compared if here[path] != there[path])
    made = tuple((path, there[path]) for path in derivation.compared)
    return Outcome(State.DIFFERENT if different else State.IDENTICAL, different, made=made)


def untainted(ready: Mapping[str, Derivation], here: Mapping[str, str], there: Mapping[str, str]) -> list[str]:
    """Return those that were built from what is the same here: directly, and by all that this was built from."""
    known: dict[str, bool] = {}

    def good(path: str) -> bool:
        if path not in known:
            inputs = [(ready[each], names) for each, names in ready[path].inputs.items() if each in ready]
            known[path] = all(
                there.get(each.outputs[name]) is not None
                and here.get(each.outputs[name]) == there[each.outputs[name]]
                and good(each.path)
                for each, names in inputs
                for name in names
            )
        return known[path]

    return sorted(path for path in ready if good(path))


def _words(store: Store, path: str, words: str) -> str:
    """Return what a person may want to read about a build without an output: the end of its log, and of Nix's words."""
    log = store.call.run("log", path)
    lines = log.stdout.splitlines()[-_LINES:] if log.returncode == 0 else []
    return "\n".join([*lines, words.strip()[-_WORDS:]])


def impossible_user() -> str:
    """Return why nothing can be built as another user here, or nothing when it can."""
    if os.geteuid() != 0:
        return "only root can become another user"
    mapped = [line.split() for line in Path("/proc/self/uid_map").read_text(encoding="ascii").splitlines()]
    if not any(int(first) <= USER < int(first) + int(count) for first, _, count in mapped):
        return "this user namespace has no other user"
    missing = [name for name in ("unshare", "setpriv", "mount") if not shutil.which(name)]
    return f"{' and '.join(missing)} (util-linux) cannot be found" if missing else ""


def as_user(call: Call, root: Path, folder: Path) -> Call:
    """Return a call of Nix as another user, to whom the store in `root` then belongs; `folder` is an empty one to use.

    Nix itself may lie in a folder that only this user can enter; so the other one gets a view of the machine in which
    the folders above it are open and empty but for Nix.
    """
    home = folder / "home"
    home.mkdir()
    for path in (root, home):
        subprocess.run(["chown", "-hR", f"{USER}:{USER}", path], check=True)
    program = Path(shutil.which("nix") or "nix").resolve()
    closed = next((parent for parent in reversed(program.parents) if not parent.stat().st_mode & 0o001), None)
    script = 'exec setpriv --reuid "$0" --regid "$0" --clear-groups -- "$@"'
    if closed is not None:
        # PREFIX/bin/nix needs the libraries beside PREFIX.
        top, aside = program.parents[2], folder / "nix"
        aside.mkdir()
        script = (
            f"mount --bind '{top}' '{aside}' && mount -t tmpfs -o mode=755 tmpfs '{closed}' && mkdir -p '{top}' && "
            f"mount --bind '{aside}' '{top}' && {script}"
        )
    prefix = ("unshare", "--mount", "--propagation", "private", "sh", "-c", script, str(USER))
    environment = {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home),
        "TMPDIR": str(home),
        "USER": "cloche",
        "LOGNAME": "cloche",
    }
    return replace(call, prefix=prefix, program=str(program), environment=environment)
