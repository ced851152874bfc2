"""Make the output of the derivation `packages.test-selection`: a verdict on the change between two folders.

Nothing but its inputs counts: no git, no clock, no former selection.
"""

from pathlib import Path
from typing import Any

from cloche.selection.impact import verb
from cloche.selection.impact.folders import BASE, HEAD, Folders, files_of
from cloche.selection.learned import model as models
from cloche.selection.learned.ranking import Question, rank
from cloche.selection.learned.rows import read


def main(attributes: dict[str, Any]) -> None:
    """Write selection.json, tests_to_run.txt and explanation.txt."""
    output = Path(attributes["outputs"]["out"])
    output.mkdir()
    said: list[str] = []
    trees = Folders(files_of(Path(attributes["before"])), files_of(Path(attributes["after"])))
    request = verb.Request(
        Path(attributes["after"]), BASE, HEAD, Path(attributes["map"]), unrelated=tuple(attributes["unrelated"])
    )
    answer = verb.answer(request, said.append, trees)
    rows = [] if attributes["rows"] is None else read(Path(attributes["rows"]))
    model = None if attributes["model"] is None else models.load(Path(attributes["model"]), attributes["project"])
    # After all that is known.
    at = max((row.at for row in rows), default=0) + 1
    question = Question(attributes["project"], rows, model, at, attributes["recall"], attributes["budget"])
    verdict = rank(answer, question)
    (output / "selection.json").write_text(verdict.text("json"))
    (output / "tests_to_run.txt").write_text(verdict.text("pytest"))
    (output / "explanation.txt").write_text("\n".join([*said, *verdict.explained(), verdict.sentence(), ""]))
