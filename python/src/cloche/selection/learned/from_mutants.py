"""Rows of a kill matrix: each fault that was seeded into the project is a change whose failures are known."""

from collections.abc import Callable
from pathlib import Path

from cloche.selection.impact import verb
from cloche.selection.impact.folders import BASE, HEAD, Folders
from cloche.selection.impact.map import load
from cloche.selection.impact.uses import Project
from cloche.selection.learned.observation import observe
from cloche.selection.learned.rows import NO_FAILURE, Row
from cloche.selection.learned.surroundings import Surroundings
from cloche.selection.mutants.matrix import Matrix
from cloche.selection.mutants.sample import Sample


def rows_of(
    matrix: Matrix, project: str, files: dict[str, bytes], map_file: Path, say: Callable[[str], None]
) -> list[Row]:
    """Return a row for each fault of a matrix. `files` are those of the tree without a fault, the map is of it too.

    Rows of mutants have a number in place of a time.
    """
    # The faults leave the tests alone, so what stands around them is read once.
    known = load(map_file)
    project_before = Project(verb.modules_of({path: data for path, data in files.items() if path.endswith(".py")}))
    around: Surroundings | None = None
    sample = Sample([each.mutant for each in matrix.judged], matrix.sites, matrix.seed)
    found = []
    for number, judged in enumerate(matrix.judged):
        mutant = judged.mutant
        text = mutant.apply(files[mutant.file].decode()).encode()
        trees = Folders(files, {**files, mutant.file: text})
        request = verb.Request(map_file.parent, BASE, HEAD, map_file)
        answer = verb.answer(request, say, trees)
        if around is None and answer.evidence is not None:
            around = Surroundings(known, project_before, sorted(answer.evidence.there))
        seen = observe(answer, matrix.seconds, around)
        position = {test: index for index, test in enumerate(seen.tests)}
        found.append(
            Row(
                project=project,
                origin="mutant",
                at=number,
                observation=seen,
                failed=sorted(position[test] for test in judged.failed if test in position),
                stratum=judged.outcome if judged.outcome in NO_FAILURE else mutant.stratum,
                operator=mutant.operator,
                weight=sample.weight(mutant.stratum),
            )
        )
    return found
