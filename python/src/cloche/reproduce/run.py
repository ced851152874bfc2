"""One run of `reproduce`: from what was asked for to a verdict on every output."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloche.reproduce.compare import Comparison, Finding, Settings, impossible
from cloche.reproduce.errors import ImpossibleVariationError, UnknownVariationError
from cloche.reproduce.nix import State, attributes_of, below, build, closure_of, derivation_of
from cloche.reproduce.variations import VARIATIONS


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is to be built again: no attributes are all packages, no variations all that are possible."""

    flake: str
    attributes: tuple[str, ...] = ()
    variations: tuple[str, ...] = ()
    machine: str | None = None
    shallow: bool = False


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What is known of one output: its worst state, and what was found of the derivations behind it."""

    attribute: str
    derivation: str
    state: State
    derivations: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True)
class Result:
    """The verdicts, the variations that were applied, and why others were not."""

    verdicts: tuple[Verdict, ...]
    variations: tuple[str, ...]
    left_out: dict[str, str]

    @property
    def identical(self) -> bool:
        """Whether every output came out the same."""
        return all(verdict.state is State.IDENTICAL for verdict in self.verdicts)


def settings_of(data: dict[str, Any]) -> Settings:
    """Return the settings that pkgs/reproduce/program.nix wrote."""
    return Settings(
        tools=data["tools"],
        planted=dict(data["planted"]),
        roles=tuple(data["roles"]),
        fetch=data["fetch"],
        environment=dict(data["environment"]),
    )


def chosen(request: Request) -> tuple[list[str], dict[str, str]]:
    """Return the variations to apply, and of those that nobody asked for by name the reasons why they are left out.

    Raises UnknownVariationError, and ImpossibleVariationError for one that was asked for.
    """
    wanted = list(dict.fromkeys(request.variations)) or list(VARIATIONS)
    left_out = {}
    for name in wanted:
        if name not in VARIATIONS:
            raise UnknownVariationError(name, sorted(VARIATIONS))
        if reason := impossible(name, request.machine):
            if request.variations:
                raise ImpossibleVariationError(name, reason)
            left_out[name] = reason
    return [name for name in VARIATIONS if name in wanted and name not in left_out], left_out


def run(request: Request, settings: Settings, report: Callable[[str], None]) -> Result:
    """Build what was asked for again under each variation; raises ClocheError when there can be no verdict."""
    names, left_out = chosen(request)
    attributes = list(request.attributes) or attributes_of(request.flake)
    tops = {attribute: derivation_of(request.flake, attribute) for attribute in attributes}
    known = closure_of(sorted(set(tops.values())))
    parts = {top: [top] if request.shallow else below(top, known) for top in tops.values()}
    derivations = [known[path] for path in sorted({path for paths in parts.values() for path in paths})]
    report(
        f"{len(tops)} output{'' if len(tops) == 1 else 's'}, built from {len(derivations)} derivations, which are built first where they are not"
    )
    build(sorted({derivation.path for derivation in derivations}))
    folder = Path(tempfile.mkdtemp(prefix="cloche-reproduce."))
    folder.chmod(0o755)
    try:
        comparison = Comparison(settings, folder, report)
        comparison.inside(names, derivations)
        store = str(comparison.empty())
        if "store" in names:
            comparison.elsewhere("store", store, derivations)
        if "user" in names:
            comparison.user(store, derivations)
        if "machine" in names and request.machine:
            comparison.elsewhere("machine", request.machine, derivations)
    finally:
        subprocess.run(["chmod", "-R", "u+w", folder], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(folder, ignore_errors=True)
    verdicts = []
    for attribute, top in tops.items():
        findings = [comparison.found[path] for path in parts[top]]
        states = {finding.state for finding in findings}
        state = next(state for state in (State.FAILED, State.DIFFERENT, State.IDENTICAL) if state in states)
        told = tuple(finding for finding in findings if finding.state is not State.IDENTICAL)
        verdicts.append(
            Verdict(attribute=attribute, derivation=top, state=state, derivations=len(parts[top]), findings=told)
        )
    return Result(verdicts=tuple(verdicts), variations=tuple(names), left_out=left_out)
