"""Building outputs again under variations: what differs, and which variation it comes from."""

import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from cloche.errors import ClocheError, ExitCode
from cloche.reproduce.again import (
    Outcome,
    Store,
    again,
    as_user,
    empty_store,
    empty_store_on,
    given,
    impossible_user,
)
from cloche.reproduce.nix import Call, Derivation, State, build, closure_of, hashes, nix_failed
from cloche.reproduce.variations import INSIDE, prepare, processors

# What a difference without any variation comes from.
ALWAYS = "every time"
_SHOWN = 1 << 16  # bytes of a difference
_LINES, _WIDTH = 200, 200


@dataclass(frozen=True)
class Settings:
    """What pkgs/reproduce/program.nix hands on: derivations and the toolchain's variables."""

    tools: str
    planted: dict[str, str]
    roles: tuple[str, ...]
    fetch: str
    environment: dict[str, str]


@dataclass
class Finding:
    """What is known of one derivation: its state, what it comes from, the outputs that differ, and what to read of it."""

    derivation: str
    state: State
    causes: list[str] = field(default_factory=list)
    outputs: tuple[str, ...] = ()
    text: str = ""


class Comparison:
    """Builds derivations again under variations, and keeps what was found of each."""

    def __init__(
        self, settings: Settings, folder: Path, report: Callable[[str], None], known: dict[str, Derivation]
    ) -> None:
        """Use the empty `folder`, `report` for lines about the progress, and `known` derivations."""
        self.settings, self.folder, self.report = settings, folder, report
        self.found: dict[str, Finding] = {}
        self.known = known | closure_of(settings.planted.values())
        self._folders = 0
        self._tools: Path | None = None

    # --- what is needed -------------------------------------------------------------------------------------------

    def tools(self) -> Path:
        """Return what variations and differences need; it is fetched and built on first use."""
        if self._tools is None:
            derivation = self.settings.tools
            (output,) = closure_of([derivation])[derivation].outputs.values()
            if output not in hashes([output]):
                words = [word for role in self.settings.roles for word in ("--role", role)]
                done = subprocess.run(["sh", self.settings.fetch, "--tools-only", *words], check=False)
                if done.returncode:
                    raise ClocheError(
                        "diffoscope, libfaketime and the compilers could not be fetched (exit code "
                        f"{done.returncode}, the words are above).\nWhere there is no network: "
                        "CLOCHE_SOURCES=ARCHIVE, made by `nix run .#vendor -- DIR --role cc --role reproduce`.",
                        ExitCode.ENVIRONMENT_LACKS,
                    )
                build([derivation])
            self._tools = Path(output)
        return self._tools

    def empty(self) -> Path:
        """Return a new empty folder which everybody may enter."""
        self._folders += 1
        folder = self.folder / str(self._folders)
        folder.mkdir()
        folder.chmod(0o755)
        return folder

    # --- passes ---------------------------------------------------------------------------------------------------

    def vary(
        self, names: Sequence[str], derivations: Sequence[Derivation], *, machine: str = "", cores: int = 1
    ) -> None:
        """Build again under all of these variations at once; then find out what each does to what is not the same.

        Raises ClocheError, also when a variation's planted package is not caught.
        """
        found = self._again(names, derivations, machine=machine, cores=cores, show=True)
        left = [each for each in derivations if found[each.path].state is not State.IDENTICAL]
        causes = self._causes(names, left, machine=machine, cores=cores)
        for path, outcome in found.items():
            if self.found.get(path, Finding(path, State.IDENTICAL)).state is State.IDENTICAL:
                self.found[path] = Finding(path, outcome.state, [], outcome.different, outcome.text)
            self.found[path].causes += causes.get(path, [])

    def _causes(
        self, names: Sequence[str], left: Sequence[Derivation], *, machine: str, cores: int
    ) -> dict[str, list[str]]:
        """Return what it comes from that these are not the same: built without any variation, and with each alone."""
        causes: dict[str, list[str]] = {each.path: [] for each in left}
        if not left:
            return causes
        self.report(f"building {len(left)} that are not the same again, for what it comes from")
        plain = self._again([], left)
        always = [each for each in left if plain[each.path].state is not State.IDENTICAL]
        # What comes out in two second stores at the same place, and not in this one, comes from the place.
        twice = self._again([], always) if always else {}
        for each in always:
            first, second = plain[each.path], twice[each.path]
            causes[each.path].append("store" if first.made and first.made == second.made else ALWAYS)
        rest = [each for each in left if each not in always]
        for name in names if rest else ():
            alone = self._again([name], rest, machine=machine, cores=cores) if len(names) > 1 else {}
            for each in rest:
                if not alone or alone[each.path].state is not State.IDENTICAL:
                    causes[each.path].append(name)
        return {path: found or [f"only together: {', '.join(names)}"] for path, found in causes.items()}

    # --- one pass -------------------------------------------------------------------------------------------------

    def _again(
        self,
        names: Sequence[str],
        derivations: Sequence[Derivation],
        *,
        machine: str = "",
        cores: int = 1,
        show: bool = False,
    ) -> dict[str, Outcome]:
        """Build again under these variations, in as many stores as it takes, and see that they have an effect.

        Among the derivations is a package for each variation that leaks exactly that, and must come out differently.
        """
        names = [*(name for name in names if name != "store"), "store"]
        # Two processors may be what the machine has anyway.
        effects = {name: self.settings.planted[name] for name in names if name != "cores" or cores == 1}
        build(effects.values())
        rest = {each.path: each for each in derivations} | {path: self.known[path] for path in effects.values()}
        found: dict[str, Outcome] = {}
        while rest:
            with self._store(machine if "machine" in names else "") as store:
                store.bring(list(rest), given(list(rest.values()), self.known))
                outcomes = again(store, list(rest.values()), self._call(names, store, cores))
                found |= {path: self._read(outcome, store) if show else outcome for path, outcome in outcomes.items()}
            rest = {path: each for path, each in rest.items() if path not in found}
        for name, path in effects.items():
            if found[path].state is State.UNKNOWN:
                raise nix_failed(f"the planted package of the variation {name!r} cannot be built", found[path].text)
        idle = [name for name, path in effects.items() if found[path].state is not State.DIFFERENT]
        if idle:
            raise ClocheError(
                f"without effect here: {', '.join(idle)}. A package that leaks exactly that was built again and came out the\n"
                "same, so nothing would be shown about other packages.",
                ExitCode.ENVIRONMENT_LACKS,
            )
        return {each.path: found[each.path] for each in derivations}

    @contextmanager
    def _store(self, machine: str) -> Iterator[Store]:
        """Yield an empty store: always at the same place on this disk, or on another machine."""
        with empty_store_on(machine) if machine else empty_store(self.folder / "store") as store:
            yield store

    def _call(self, names: Sequence[str], store: Store, cores: int) -> Call:
        """Return a call of Nix in these circumstances."""
        inside = [name for name in INSIDE if name in names]
        call = prepare(inside, self.tools(), self.settings.environment, self.empty(), cores) if inside else Call()
        if "user" in names and store.root is not None:
            call = as_user(call, store.root, self.empty())
        return call

    # --- differences ----------------------------------------------------------------------------------------------

    def _read(self, outcome: Outcome, store: Store) -> Outcome:
        """Return the outcome with what there is to read about the outputs that differ, as long as both are there."""
        texts = [self._difference(path, store.place(path, self.empty())) for path in outcome.different]
        return replace(outcome, text="\n".join(texts)) if texts else outcome

    def _difference(self, first: str, second: Path) -> str:
        """Return diffoscope's words about two outputs."""
        done = subprocess.run(
            [
                self.tools() / "bin/diffoscope",
                *("--exclude-directory-metadata", "yes", "--no-progress", "--max-text-report-size", str(_SHOWN)),
                *(first, second),
            ],
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="replace",
        )
        lines = [line if len(line) <= _WIDTH else f"{line[:_WIDTH]}..." for line in done.stdout.splitlines()]
        if not lines:
            return f"diffoscope shows nothing (exit code {done.returncode}): {done.stderr.strip()[-500:]}"
        more = [f"... and {len(lines) - _LINES} more lines"] if len(lines) > _LINES else []
        return "\n".join([*lines[:_LINES], *more])


def impossible(name: str, machine: str | None) -> str:
    """Return why a variation cannot be applied here, or nothing when it can."""
    if name == "cores" and processors(2) is None:
        return "this process may use one processor only"
    if name == "machine" and not machine:
        return "name one by --machine ssh-ng://HOST"
    return impossible_user() if name == "user" else ""
