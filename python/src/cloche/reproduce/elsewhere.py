"""Building in another store: one made from nothing, one of another user, one on another machine."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cloche.reproduce.errors import NixError
from cloche.reproduce.nix import HERE, Call, Derivation, Outcome, State, ask, build_again

# As any that is nobody's on a usual machine.
USER = 61_000


@dataclass(frozen=True)
class Elsewhere:
    """Another store, by the address that Nix knows it by."""

    address: str

    @property
    def call(self) -> Call:
        """Calls of Nix that are about this store."""
        return Call(options=("--store", self.address))

    def bring(self, sources: Sequence[Derivation], wanted: Sequence[str]) -> None:
        """Copy sources (fixed outputs) and what derivations are written with, but nothing that was built."""
        ask(
            f"the derivations cannot be copied to {self.address}",
            *("copy", "--no-check-sigs", "--derivation", "--to", self.address),
            *wanted,
        )
        outputs = sorted(output for source in sources for output in source.outputs.values())
        ask(
            f"the sources cannot be copied to {self.address}", "copy", "--no-check-sigs", "--to", self.address, *outputs
        )

    def build(self, derivations: Sequence[Derivation]) -> dict[str, Outcome]:
        """Build there what was built here, and compare the hashes of all outputs but `log`."""
        options = ("--option", "substitute", "false", "--no-link", "--keep-going")
        done = self.call.run("build", *options, *(f"{derivation.path}^*" for derivation in derivations))
        found = {}
        for derivation in derivations:
            outputs = [path for name, path in sorted(derivation.outputs.items()) if name != "log"]
            here, there = hashes(outputs, HERE), hashes(outputs, self.call)
            differ = [path for path in outputs if here.get(path) != there.get(path)]
            if not there.keys() >= set(outputs):
                found[derivation.path] = Outcome(State.FAILED, reason=done.stderr.strip()[-2000:])
            elif differ:
                found[derivation.path] = Outcome(State.DIFFERENT, differ[0])
            else:
                found[derivation.path] = Outcome(State.IDENTICAL)
        return found

    def fetch(self, path: str, target: Path) -> None:
        """Write the store path of that store to `target`, as it is there."""
        with subprocess.Popen(
            [
                "nix",
                "--extra-experimental-features",
                "nix-command",
                "store",
                "dump-path",
                path,
                "--store",
                self.address,
            ],
            stdout=subprocess.PIPE,
        ) as dump:
            done = subprocess.run(["nix-store", "--restore", target], stdin=dump.stdout, check=False)
        if done.returncode or dump.returncode:
            raise NixError(f"{path} cannot be read from {self.address}", "(its words are above)")


def hashes(paths: Sequence[str], call: Call) -> dict[str, str]:
    """Return the NAR hash of each of these paths that is valid."""
    done = call.run("path-info", "--json", *paths)
    if done.returncode:
        # One that is not valid ends the call; ask for each.
        return (
            {} if len(paths) == 1 else {name: value for path in paths for name, value in hashes([path], call).items()}
        )
    told: dict[str, dict[str, str] | None] = json.loads(done.stdout)
    return {path: str(data["narHash"]) for path, data in told.items() if data}


def impossible_user() -> str:
    """Return why nothing can be built as another user here, or nothing when it can."""
    if os.geteuid() != 0:
        return "only root can become another user"
    missing = [name for name in ("unshare", "setpriv", "mount") if not shutil.which(name)]
    return f"{' and '.join(missing)} (util-linux) cannot be found" if missing else ""


def as_user(store: Path, folder: Path) -> Call:
    """Return a call of Nix as another user, to whom the store then belongs.

    Nix itself may lie in a folder that only this user can enter; so the other one gets a view of the machine in which
    the folders above it are open and empty but for Nix.
    """
    home = folder / "home"
    home.mkdir()
    for path in (store, home):
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
    return Call(prefix=prefix, program=str(program), options=("--store", str(store)), environment=environment)


def again_as_user(derivations: Sequence[Derivation], store: Path, folder: Path) -> dict[str, Outcome]:
    """Build what is valid in `store` again as another user."""
    return build_again(derivations, as_user(store, folder))
