"""One run of `reproduce`: from what was asked for to a verdict on every output."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloche.errors import ClocheError, ExitCode
from cloche.reproduce.again import remove
from cloche.reproduce.compare import Comparison, Finding, Settings, impossible
from cloche.reproduce.nix import Derivation, State, attributes_of, below, build, closure_of, derivation_of
from cloche.reproduce.variations import VARIATIONS

_WORST_FIRST = (State.UNKNOWN, State.DIFFERENT, State.NOT_COMPARED, State.IDENTICAL)


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
    # Built again.
    derivations: int
    findings: tuple[Finding, ...]
    # Not built again.
    measurements: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Result:
    """The verdicts, the variations that were applied, and why others were not."""

    verdicts: tuple[Verdict, ...]
    variations: tuple[str, ...]
    left_out: dict[str, str]

    @property
    def identical(self) -> bool:
        """Whether every output that is no measurement came out the same, and there is one."""
        states = {verdict.state for verdict in self.verdicts} - {State.NOT_COMPARED}
        return states == {State.IDENTICAL}


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

    The store is always another one.

    Raises ClocheError for one that was asked for.
    """
    wanted = list(dict.fromkeys(request.variations)) or list(VARIATIONS)
    left_out = {}
    for name in wanted:
        if name not in VARIATIONS:
            raise ClocheError(f"there is no variation {name!r}; there are {', '.join(sorted(VARIATIONS))}")
        if reason := impossible(name, request.machine):
            if request.variations:
                raise ClocheError(f"the variation {name!r} is not possible here: {reason}", ExitCode.ENVIRONMENT_LACKS)
            left_out[name] = reason
    return [name for name in VARIATIONS if name == "store" or (name in wanted and name not in left_out)], left_out


def run(request: Request, settings: Settings, report: Callable[[str], None]) -> Result:
    """Build what was asked for again under each variation; raises ClocheError when there can be no verdict."""
    names, left_out = chosen(request)
    attributes = list(request.attributes) or attributes_of(request.flake)
    tops = {attribute: derivation_of(request.flake, attribute) for attribute in attributes}
    known = closure_of(sorted(set(tops.values())))
    parts = {top: [top] if request.shallow else below(top, known) for top in tops.values()}
    used = sorted({path for paths in parts.values() for path in paths})
    derivations = [known[path] for path in used if not known[path].measurement]
    if all(known[top].measurement for top in tops.values()):
        raise ClocheError(
            f"nothing to compare: {', '.join(tops)} is a measurement, which is no function of its inputs and differs from\n"
            "build to build. Name an output that is built."
        )
    report(
        f"{len(tops)} output{'' if len(tops) == 1 else 's'}, built from {len(used)} derivations, which are built first where they are not"
    )
    build(used)
    folder = Path(tempfile.mkdtemp(prefix="cloche-reproduce."))
    folder.chmod(0o755)
    try:
        comparison = Comparison(settings, folder, report, known)
        together = [name for name in names if name != "machine"]
        report(f"building {len(derivations)} derivations again: {', '.join(together)}")
        comparison.vary(together, derivations)
        if "cores" in together:
            # What differs between one processor and two is different from what is here for one of them.
            report(f"building {len(derivations)} derivations again: two processors")
            comparison.vary(["cores"], derivations, cores=2)
        if "machine" in names and request.machine:
            report(f"building {len(derivations)} derivations again: machine")
            comparison.vary(["machine"], derivations, machine=request.machine)
    finally:
        remove(folder)
    verdicts = tuple(
        _verdict(attribute, known[top], [known[path] for path in parts[top]], comparison.found)
        for attribute, top in tops.items()
    )
    return Result(verdicts=verdicts, variations=tuple(names), left_out=left_out)


def _verdict(attribute: str, top: Derivation, parts: list[Derivation], found: dict[str, Finding]) -> Verdict:
    """Return the worst that is known of the derivations behind an output; each of them has a finding."""
    findings = [found[each.path] for each in parts if not each.measurement]
    states = {finding.state for finding in findings} | ({State.NOT_COMPARED} if top.measurement else set())
    return Verdict(
        attribute=attribute,
        derivation=top.path,
        state=next(state for state in _WORST_FIRST if state in states),
        derivations=len(findings),
        findings=tuple(finding for finding in findings if finding.state is not State.IDENTICAL),
        measurements=tuple(each.path for each in parts if each.measurement),
    )
