"""`cloche performance` on the command line."""

import json
import sys
from pathlib import Path

import click

_FILE = click.Path(path_type=Path)


@click.group()
def performance() -> None:
    """Measure benchmarks of two revisions, and compare figures."""


@performance.command()
@click.option(
    "--base", metavar="REV", help="The revision to compare with, as git names it. Default: the option cloche.base."
)
@click.option("--directory", default=".", hidden=True, help="Where the project lies below the flake's folder.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def revision(*, base: str | None, directory: str, as_json: bool) -> None:
    """Measure the benchmarks of the flake where you stand, beside those of another revision.

    Exit code 1: a benchmark has become slower.
    """
    from cloche.performance import revisions  # noqa: PLC0415 - `cloche --help` must not load what a verb needs

    folder = revisions.flake(Path.cwd())
    other = revisions.base(folder, directory, base) if base is not None else None
    found = revisions.built(folder, "performance", other)
    reports = [json.loads((each / "performance.json").read_text(encoding="utf-8")) for each in sorted(found.iterdir())]
    if as_json:
        click.echo(json.dumps({"version": 1, "benchmarks": reports}, indent=1, sort_keys=True, ensure_ascii=False))
    else:
        for each in sorted(found.iterdir()):
            click.echo(f"== {each}\n{(each / 'performance.txt').read_text(encoding='utf-8')}", nl=False)
    sys.exit(1 if any(report["verdict"] == "slower" for report in reports) else 0)


@performance.command()
@click.option("--base", "before", type=_FILE, multiple=True, required=True, help="A run of the base; once for each.")
@click.option("--head", "after", type=_FILE, multiple=True, required=True, help="A run of what is compared with it.")
@click.option(
    "--same", type=_FILE, multiple=True, help="A run of the base's program from which only the noise is known."
)
@click.option("--samples", metavar="NAME", help="The list of samples in files that are not pytest-benchmark's: a.b.c")
@click.option(
    "--effect",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.05,
    show_default=True,
    help="The least change of interest.",
)
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def compare(  # noqa: PLR0913 - click passes each option as an argument
    *,
    before: tuple[Path, ...],
    after: tuple[Path, ...],
    same: tuple[Path, ...],
    samples: str | None,
    effect: float,
    as_json: bool,
) -> None:
    """Compare runs that were measured elsewhere: each file is one run of the program.

    With fewer than three runs a side nothing is called slower. Exit code 1: something is slower.
    """
    from cloche.performance import by_hand  # noqa: PLC0415

    found = by_hand.compare(before, after, same, samples, effect)
    click.echo(by_hand.dumps(found) if as_json else by_hand.as_text(found), nl=False)
    sys.exit(1 if any(each.verdict == "slower" for each in found) else 0)
