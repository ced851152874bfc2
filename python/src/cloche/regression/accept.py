"""`cloche accept`: make the present results of named experiments their baselines."""

import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from cloche.errors import ClocheError, ExitCode
from cloche.store import write as whole
from cloche.store.git import Repository, make_known
from cloche.untrusted import regular_file, strict_json
from cloche.untrusted.limits import REPORT, RESULT


@dataclass(frozen=True)
class Candidate:
    """An experiment's present result, and what its comparison with the baseline says."""

    name: str
    folder: Path
    place: str
    comparison: dict[str, Any]

    @property
    def verdict(self) -> str:
        """Return the verdict of the comparison."""
        return str(self.comparison["verdict"])

    def losses(self, *, there: bool) -> list[str]:
        """Return what the baseline has and the result has not; everything where they could not be compared."""
        if not there:
            return []
        if "compared" not in self.comparison:
            return ["the two could not be compared: " + "; ".join(self.comparison["reasons"])]
        found = []
        if missing := self.comparison["missing"]:
            found.append(f"{missing} values are missing")
        for what, words in (("ignored", "ignored values"), ("samples", "values in samples")):
            before, now = self.comparison[what]["baseline"], self.comparison[what]["current"]
            if now < before:
                found.append(f"{before} {words} become {now}")
        return found


def build(name: str, place: str) -> Candidate:
    """Run an experiment by Nix, or take its result from the store."""
    nix = shutil.which("nix")
    if nix is None:
        raise ClocheError(
            "there is no nix on PATH to run the experiment with; start this by `nix run .#accept`, or ci/nix",
            ExitCode.ENVIRONMENT_LACKS,
        )
    command = ["nix", "build", "--no-link", "--print-out-paths", f".#regression.{name}"]
    done = subprocess.run([nix, *command[1:]], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise ClocheError(
            f"the experiment {name} has no result to accept: `{' '.join(command)}` ended with {done.returncode} (its "
            "words are above)",
            ExitCode.CHECK_FAILED,
        )
    folder = Path(done.stdout.split()[0])
    return Candidate(name, folder, place, strict_json.load(folder / "comparison.json", limit=REPORT))


def identity(project: Path) -> str | None:
    """Return who git says that the user is; raises GitError where there is none to ask."""
    git = Repository(project)
    values = [git.setting(key) for key in ("user.name", "user.email")]
    return f"{values[0]} <{values[1]}>" if all(values) else None


def write(candidate: Candidate, project: Path, who: str, why: str) -> Path:
    """Write a baseline and who accepted it, and let git know both files; return the baseline's path."""
    target = project / candidate.place
    result = candidate.folder / f"result{target.suffix}"
    data = regular_file.read(result, RESULT)
    about = {
        "version": 1,
        "experiment": candidate.name,
        "class": candidate.comparison["class"],
        "who": who,
        "why": why,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "sha256": hashlib.sha256(data).hexdigest(),
        "difference": {"verdict": candidate.verdict, "reasons": candidate.comparison["reasons"]},
        "platform": strict_json.load(candidate.folder / "platform.json", limit=REPORT),
    }
    accepted = target.with_suffix(".accepted.json")
    target.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(about, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    whole.files({target: data, accepted: text.encode()})
    if warning := make_known([target, accepted]):
        click.echo(warning, err=True)
    return target


@click.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--why", help="Why the difference is right.")
@click.option("--who", help="Who accepts it. Default: git's user.name and user.email.")
@click.option("--shrink", is_flag=True, help="The new baseline may hold less than the old one.")
@click.option("--project", type=click.Path(path_type=Path), default=Path(), help="The project's folder. Default: here.")
@click.option(
    "--known",
    multiple=True,
    metavar="NAME=PLACE",
    help="An experiment and its baseline below the project; the app names all.",
)
def accept(  # noqa: PLR0913 - click passes each option as an argument
    *, names: tuple[str, ...], why: str | None, who: str | None, shrink: bool, project: Path, known: tuple[str, ...]
) -> None:
    """Make the present results of experiments their baselines.

    NAMES are experiments of the flake where you stand. Shows each difference, and writes the baselines with who accepted
    them, why and when; nothing is written for any of them if something speaks against one.
    """
    ci = os.environ.get("CI", "")
    if ci not in {"", "0", "false"}:
        raise ClocheError(
            f"CI={ci} is set: a baseline is accepted by a person who has looked at the difference, not in continuous "
            "integration"
        )
    if not (project / "pyproject.toml").exists():
        raise ClocheError(
            f"{project.resolve()} has no pyproject.toml, so baselines don't belong there; stand in the project's "
            "folder, or name it: --project"
        )
    candidates = shown(list(dict.fromkeys(names)), dict(each.split("=", 1) for each in known))
    changed = [candidate for candidate in candidates if candidate.verdict != "identical"]
    for candidate in changed:
        losses = candidate.losses(there=(project / candidate.place).exists())
        if losses and not shrink:
            raise ClocheError(
                f"{candidate.name}: the new baseline would hold less than the old one ({'; '.join(losses)}), so less "
                "would be compared from then on. If that is meant, say so: --shrink. Nothing is written."
            )
    if not changed:
        return
    if not (why or "").strip():
        raise ClocheError(
            "say why the difference above is accepted: nix run .#accept -- "
            f"{' '.join(candidate.name for candidate in changed)} --why '...'. Nothing is written."
        )
    person = who or identity(project)
    if not person:
        raise ClocheError(
            "git has no user.name and user.email here, so say who accepts: --who 'NAME <ADDRESS>'. Nothing is written."
        )
    for candidate in changed:
        click.echo(f"{candidate.name}: accepted as {write(candidate, project, person, str(why))}")


def shown(names: list[str], places: dict[str, str]) -> list[Candidate]:
    """Build the results of experiments, show how they differ from their baselines, and return them."""
    for name in names:
        if name not in places:
            raise ClocheError(
                f"there is no experiment {name!r}; the flake's experiments are: {', '.join(sorted(places))}"
            )
    candidates = [build(name, places[name]) for name in names]
    for candidate in candidates:
        click.echo(f"== {candidate.name} ({candidate.folder})")
        click.echo((candidate.folder / "comparison.txt").read_text(encoding="utf-8"), nl=False)
        if candidate.verdict == "identical":
            click.echo(f"{candidate.name}: nothing to accept, the result is identical to the baseline")
    return candidates
