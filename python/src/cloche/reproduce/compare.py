"""Building outputs again under variations: what differs, and which variation it comes from."""

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from cloche.reproduce.elsewhere import Elsewhere, again_as_user, impossible_user
from cloche.reproduce.errors import NoEffectError, NoSourcesError
from cloche.reproduce.nix import HERE, Call, Derivation, Outcome, State, build, build_again, closure_of
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
    """What is known of one derivation: its state, what it comes from, and the difference to read."""

    derivation: str
    state: State
    causes: list[str] = field(default_factory=list)
    output: str = ""
    text: str = ""


class Comparison:
    """Builds derivations again under variations, and keeps what was found of each."""

    def __init__(self, settings: Settings, folder: Path, report: Callable[[str], None]) -> None:
        """Use the empty `folder`, and `report` for lines about the progress."""
        self.settings, self.folder, self.report = settings, folder, report
        self.found: dict[str, Finding] = {}
        self._folders = 0
        self._tools: Path | None = None

    # --- what is needed -------------------------------------------------------------------------------------------

    def tools(self) -> Path:
        """Return what variations and differences need; it is fetched and built on first use."""
        if self._tools is None:
            derivation = self.settings.tools
            output = next(iter(closure_of([derivation])[derivation].outputs.values()))
            if HERE.run("path-info", output).returncode:
                words = [word for role in self.settings.roles for word in ("--role", role)]
                done = subprocess.run(["sh", self.settings.fetch, "--tools-only", *words], check=False)
                if done.returncode:
                    raise NoSourcesError(done.returncode)
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

    def inside(self, names: Sequence[str], derivations: Sequence[Derivation]) -> None:
        """Build again under those of `names` that the sandbox can apply, all at once; then find out what each does.

        Raises NoEffectError when a variation's planted package is not caught.
        """
        chosen = [name for name in INSIDE if name in names]
        if not chosen:
            return
        call = prepare(chosen, self.tools(), self.settings.environment, self.empty())
        self.report(f"building {len(derivations)} derivations again: {', '.join(chosen)}")
        found = self._proven(chosen, derivations, lambda all_of_them: build_again(all_of_them, self._in(call)))
        if "cores" in chosen and (two := processors(2)):
            # What differs between one processor and two is different from what is here for one of them.
            self.report(f"building {len(derivations)} derivations again: two processors")
            both = build_again(derivations, self._in(Call(options=("--cores", "2"), processors=two)))
            found |= {path: outcome for path, outcome in both.items() if outcome.state is not State.IDENTICAL}
        self._learn(found, derivations, chosen)

    def elsewhere(self, name: str, address: str, derivations: Sequence[Derivation]) -> None:
        """Build everything in another store, from the sources, and compare."""
        store = self._brought(address, derivations, name)
        self._keep(self._proven([name], derivations, store.build), [name], store)

    def user(self, address: str, derivations: Sequence[Derivation]) -> None:
        """Build in another store, and there again as another user."""
        store = self._brought(address, derivations, "user")
        planted = closure_of([self.settings.planted["user"]])[self.settings.planted["user"]]
        store.build([*derivations, planted])
        self.report(f"building {len(derivations)} derivations again: user")
        folder = self.empty()
        work = partial(again_as_user, store=Path(address), folder=folder)
        self._keep(self._proven(["user"], derivations, work), ["user"], None)

    def _brought(self, address: str, derivations: Sequence[Derivation], name: str) -> Elsewhere:
        """Return another store with all that these derivations and a planted one start from."""
        store = Elsewhere(address)
        self.report(f"building {len(derivations)} derivations in {address}: {name}")
        known = closure_of([derivation.path for derivation in derivations] + [self.settings.planted[name]])
        store.bring([each for each in known.values() if each.fixed], list(known))
        return store

    # --- one pass -------------------------------------------------------------------------------------------------

    def _proven(
        self,
        names: Sequence[str],
        derivations: Sequence[Derivation],
        work: Callable[[list[Derivation]], dict[str, Outcome]],
    ) -> dict[str, Outcome]:
        """Do the work with the variations' planted packages among the derivations, and see that they are caught."""
        planted = [self.settings.planted[name] for name in names]
        known = closure_of(planted)
        build(planted)
        wanted = {derivation.path: derivation for derivation in derivations} | {path: known[path] for path in planted}
        found = work(list(wanted.values()))
        idle = [name for name in names if found[self.settings.planted[name]].state is not State.DIFFERENT]
        asked = {derivation.path for derivation in derivations}
        for path, outcome in found.items():
            if path not in asked:
                self._forget(outcome)
        if idle:
            raise NoEffectError(idle)
        return {path: outcome for path, outcome in found.items() if path in asked}

    def _learn(self, found: dict[str, Outcome], derivations: Sequence[Derivation], names: Sequence[str]) -> None:
        """Keep what was found; build what differs again, without any variation and with each alone."""
        self._keep(found, list(names), None)
        different = [each for each in derivations if found[each.path].state is State.DIFFERENT]
        if not different:
            return
        self.report(f"building {len(different)} that differ again, for what it comes from")
        causes: dict[str, list[str]] = {each.path: [] for each in different}
        always = build_again(different, self._in(Call()))
        left = []
        for each in different:
            self._forget(always[each.path])
            if always[each.path].state is State.DIFFERENT:
                causes[each.path].append(ALWAYS)
            else:
                left.append(each)
        for name in names if left else ():
            call = prepare([name], self.tools(), self.settings.environment, self.empty())
            alone = build_again(left, self._in(call))
            for each in left:
                self._forget(alone[each.path])
                if alone[each.path].state is not State.IDENTICAL:
                    causes[each.path].append(name)
        for each in different:
            self.found[each.path].causes = causes[each.path] or [f"only together: {', '.join(names)}"]

    def _keep(self, found: dict[str, Outcome], causes: list[str], store: Elsewhere | None) -> None:
        """Keep the findings of a pass, beside what passes before have found."""
        for path, outcome in found.items():
            finding = self.found.setdefault(path, Finding(path, State.IDENTICAL))
            if outcome.state is State.IDENTICAL:
                continue
            finding.causes += causes
            if finding.state is State.IDENTICAL:
                finding.state, finding.output = outcome.state, outcome.output
                finding.text = outcome.reason if outcome.state is State.FAILED else self._difference(outcome, store)
            self._forget(outcome)

    def _in(self, call: Call) -> Call:
        """Return the call with a folder of ours for what Nix keeps of builds."""
        return Call(
            call.prefix, call.program, call.options, call.processors, {**call.environment, "TMPDIR": str(self.empty())}
        )

    # --- differences ----------------------------------------------------------------------------------------------

    def _difference(self, outcome: Outcome, store: Elsewhere | None) -> str:
        """Return diffoscope's words about the two outputs."""
        first, second = outcome.output, outcome.other
        if store is not None:
            target = self.empty() / Path(first).name
            store.fetch(first, target)
            second = str(target)
        if not second or not Path(second).exists() or not Path(first).exists():
            return "the other output was not kept, so the difference cannot be shown"
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

    @staticmethod
    def _forget(outcome: Outcome) -> None:
        """Remove what Nix kept of a build that differs; it is no valid path of the store."""
        if outcome.other.endswith(".check") and os.path.lexists(outcome.other):
            path = Path(outcome.other)
            if path.is_dir() and not path.is_symlink():
                subprocess.run(["chmod", "-R", "u+w", path], check=False)
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def impossible(name: str, machine: str | None) -> str:
    """Return why a variation cannot be applied here, or nothing when it can."""
    if name == "cores" and processors(2) is None:
        return "this process may use one processor only"
    if name == "machine" and not machine:
        return "name one by --machine ssh-ng://HOST"
    return impossible_user() if name == "user" else ""
