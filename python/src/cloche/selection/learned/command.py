"""`cloche train` on the command line."""

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloche.errors import ClocheError
from cloche.selection.impact import options
from cloche.store import write
from cloche.telemetry.address import Address

if TYPE_CHECKING:
    from cloche.selection.learned.rows import Row

ORIGINS = ("real", "mutant", "imported")


@click.command()
@options.project
@options.store
@click.option(
    "--rows",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Train on files of rows (--export) and not on the telemetry (repeatable).",
)
@click.option(
    "--origin", "origins", type=click.Choice(ORIGINS), multiple=True, help="Which rows; several for a mixture."
)
@click.option("--export", type=click.Path(path_type=Path), help="Write the rows to a file, sorted, and train nothing.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="Where the model and its card go. Default: .cloche/models in the project's folder.",
)
@click.option(
    "--from-mutants", is_flag=True, help="First make changes with known failures, by mutating copies of the project."
)
@click.option("--functions", type=click.IntRange(0), default=100, show_default=True, help="Mutants in functions.")
@click.option(
    "--imports", type=click.IntRange(0), default=50, show_default=True, help="Mutants in code that runs at import."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Which mutants are drawn.")
@options.map_file
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def train(  # noqa: PLR0913 - click passes each option as an argument
    *,
    project: Path,
    store: Address | None,
    files: tuple[Path, ...],
    origins: tuple[str, ...],
    export: Path | None,
    output: Path | None,
    from_mutants: bool,
    functions: int,
    imports: int,
    seed: int,
    map_file: Path,
    pytest_arguments: tuple[str, ...],
) -> None:
    """Make a model of which tests a change breaks, out of the changes that the telemetry has, with its card.

    Words after -- go to pytest, with --from-mutants. Exit codes: 0 there is a model, 1 the rows are too few, 2 wrong
    input, 3 there is no pytest.
    """
    if pytest_arguments and not from_mutants:
        message = "words for pytest need --from-mutants"
        raise click.UsageError(message)
    if from_mutants and files:
        message = "--from-mutants adds to the telemetry, and --rows reads files instead; use one of them"
        raise click.UsageError(message)
    from cloche.selection.learned import build, rows  # noqa: PLC0415 - NumPy and SciPy take their time
    from cloche.selection.learned.session import project_name, store_of  # noqa: PLC0415

    name = project_name(project)
    where = store_of(project, store)
    if from_mutants:
        found = _mutants(project, name, map_file, pytest_arguments, functions=functions, imports=imports, seed=seed)
        _keep(where, found)
    known = [row for file in files for row in rows.read(file)] if files else _stored(where, name)
    known = rows.chosen(known, origins)
    if export is not None:
        data = rows.write(known)
        write.file(export, data)
        _say(f"{export}: {len(known)} rows, sha256:{hashlib.sha256(data).hexdigest()}")
        return
    target = output if output is not None else project / ".cloche/models"
    with tempfile.TemporaryDirectory(prefix="cloche-train-") as folder:
        pinned = Path(folder, "rows.jsonl")
        pinned.write_bytes(rows.write(known))
        build.in_process(pinned, name, origins, target)
    _say(f"{target}: the model {(target / 'current').read_text().strip()}, and its card in card.md")


def _stored(store: Address, name: str) -> "list[Row]":
    from cloche.selection.learned.store import rows_of  # noqa: PLC0415
    from cloche.telemetry.store import opened, reading  # noqa: PLC0415

    with opened(store) as engine, reading(engine) as connection:
        return rows_of(connection, name)


def _keep(store: Address, found: "list[Row]") -> None:
    from cloche.selection.learned.store import store_rows  # noqa: PLC0415
    from cloche.telemetry.store import opened  # noqa: PLC0415

    with opened(store, create=True) as engine:
        new = store_rows(engine, found, store)
    _say(f"{store}: {new} changes by mutants are new, {len(found) - new} were known")


def _mutants(  # noqa: PLR0913 - what is mutated, and how
    project: Path,
    name: str,
    map_file: Path,
    words: tuple[str, ...],
    *,
    functions: int,
    imports: int,
    seed: int,
) -> "list[Row]":
    """Return a row for each of a sample of faults, after a run of the whole suite with it.

    The project is copied, so that its own files stay as they are. What was judged is kept, and the next call goes on.
    """
    from cloche.selection.impact.git import Checkout  # noqa: PLC0415
    from cloche.selection.learned.from_mutants import rows_of  # noqa: PLC0415
    from cloche.selection.mutants import matrix, sample  # noqa: PLC0415

    target = project / map_file
    if not target.is_file():
        raise ClocheError(
            f"there is no map {target}, which says what each test runs; make it with: cloche select-tests --record"
        )
    repository = Checkout(project)
    files = repository.read(None, repository.paths(None))
    with tempfile.TemporaryDirectory(prefix="cloche-mutants-") as folder:
        copy = Path(folder, "project")
        for path, data in files.items():
            (copy / path).parent.mkdir(parents=True, exist_ok=True)
            (copy / path).write_bytes(data)
            shutil.copymode(project / path, copy / path)
        imported = tuple(each for each in ("src", ".") if (copy / each).is_dir())
        suite = matrix.Suite(copy, imported, words)
        mutated = sample.source_files(copy)
        drawn = sample.draw(copy, mutated, functions=functions, imports=imports, seed=seed)
        about = matrix.facts(suite, mutated, name, "the project's working tree")
        kept = project / ".cloche" / "kills" / f"{matrix.tree_digest(copy, mutated)[:16]}-{seed}.jsonl"
        kept.parent.mkdir(parents=True, exist_ok=True)
        found = matrix.run(suite, drawn, kept, about, _say)
    return rows_of(found, name, files, target, _say)


def _say(line: str) -> None:
    click.echo(line, err=True)
