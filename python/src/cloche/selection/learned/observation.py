"""A change in numbers: what is known of it, and of each test for it, before any test has run.

Everything comes from two versions of a tree and the map, so that a derivation finds the same; what former changes did to
the tests is added by `history`.
"""

import ast
import difflib
import math
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from cloche.selection.impact.changes import Change
from cloche.selection.impact.uses import Project
from cloche.selection.impact.verb import Answer, Evidence
from cloche.selection.learned.differences import DIFFERENCES
from cloche.selection.learned.parts import PAIRS, STATEMENTS, Part
from cloche.selection.learned.surroundings import Surroundings
from cloche.selection.learned.words import contained, similarity, words_of
from cloche.telemetry.complexity import complexity

# The distance of a test file that does not import what changed.
UNREACHED = 20
# The closeness of a test that calls what changed.
NEAR = 0.5
# What is known of a test whatever changed.
TEST = ("breadth", "seconds", "statements", "assertions", "steps")


@dataclass
class Observation:
    """One change. Tests are numbered as in `tests`; a sparse column has values for the tests that have one."""

    tests: list[str]
    # What holds for each test whatever changed: how many functions it runs, its seconds (0 where none is known), how many
    # statements of the program it runs, and how many assertions and statements its own body has.
    breadth: list[int]
    seconds: list[float]
    statements: list[int]
    assertions: list[int]
    steps: list[int]
    # The files that changed, and the function or statement by which changes of one place belong together.
    files: list[str]
    group: str
    kinds: dict[str, int]
    change: dict[str, float]
    # Column -> test number -> value.
    pairs: dict[str, dict[int, float]]
    # Column -> one value per test file, in the order of `test_files`.
    by_file: dict[str, list[float]]
    # Why everything is selected, if it is.
    everything: str | None = None
    candidates: list[int] = field(default_factory=list)
    # Those of the candidates that run whatever is predicted.
    always: list[int] = field(default_factory=list)

    @property
    def test_files(self) -> list[str]:
        """The files of the tests, sorted."""
        return sorted({test.partition("::")[0] for test in self.tests})


def observe(answer: Answer, seconds: Mapping[str, float], around: Surroundings | None = None) -> Observation:
    """Return an answer's change in numbers. `seconds` are durations of tests; a test without one gets their mean.

    `around` spares reading the tree again, for a change of a tree that was read before. Raises ValueError for an answer without a map, for which nothing can be said.
    """
    evidence = answer.evidence
    if evidence is None:
        message = "an answer without a map has no evidence"
        raise ValueError(message)
    tests = sorted(evidence.there)
    if around is None:
        around = Surroundings(evidence.known, evidence.project(), tests)
    number = around.number
    breadth = dict.fromkeys(tests, 0)
    for recorded in evidence.known.functions.values():
        for test in recorded.tests:
            if test in breadth:
                breadth[test] += 1
    parts = [Part(change, evidence, around) for change in answer.changes]
    pairs: dict[str, dict[int, float]] = {name: {} for name in PAIRS}
    for part in parts:
        part.count(pairs)
    _names(pairs, parts, around)
    files = sorted(evidence.texts)
    places = sorted({f"{change.file}::{change.name or ','.join(change.names)}" for change in answer.changes})
    selection = answer.selection
    chosen = tests if selection.everything is not None else selection.reasons
    found = Observation(
        tests=tests,
        breadth=[breadth[test] for test in tests],
        seconds=_filled(tests, seconds),
        statements=[int(value) for value in around.statements],
        assertions=around.assertions,
        steps=around.steps,
        files=files,
        group="; ".join(places),
        kinds=_kinds(answer.changes),
        change=_numbers(evidence, parts, pairs),
        pairs={name: dict(sorted(column.items())) for name, column in pairs.items()},
        by_file={},
        everything=selection.everything,
        candidates=sorted(number[test] for test in chosen if test in number),
        always=sorted(number[test] for test in selection.always if test in number),
    )
    found.by_file = _by_file(found.test_files, files, around.project)
    return found


def _names(pairs: dict[str, dict[int, float]], parts: list[Part], around: Surroundings) -> None:
    """Add how far the names of tests are those of what changed, and whether their bodies mention it."""
    wanted = {name for part in parts for name in part.wanted}
    named = [words_of(name) for name in wanted]
    for test, index in around.number.items():
        own = words_of(" ".join(test.split("::")[1:]))
        match = max((contained(words, own) for words in named), default=0.0)
        if match:
            pairs["name_match"][index] = round(match, 6)
        if wanted & around.mentioned[index]:
            pairs["mentions"][index] = 1.0


def _kinds(changes: list[Change]) -> dict[str, int]:
    found: dict[str, int] = {}
    for change in changes:
        found[change.kind] = found.get(change.kind, 0) + 1
    return dict(sorted(found.items()))


def _numbers(evidence: Evidence, parts: list[Part], pairs: Mapping[str, Mapping[int, float]]) -> dict[str, float]:
    """Return what is known of the change as a whole."""
    added = deleted = 0
    delta = 0
    for file, (before, after) in evidence.texts.items():
        more, less = changed_lines(before, after)
        added, deleted = added + more, deleted + less
        if file.endswith(".py"):
            delta += _complexity(after) - _complexity(before)
    found = {
        "functions_changed": float(sum(part.change.kind.endswith("function") for part in parts)),
        "names_changed": float(sum(part.change.kind == "names" for part in parts)),
        "others_changed": float(
            sum(not part.change.kind.endswith("function") and part.change.kind != "names" for part in parts)
        ),
        "statements_changed": float(sum(sum(part.statements.values()) for part in parts)),
        "function_size": float(max((part.size for part in parts), default=0)),
        "runs_at_import": float(any(part.at_import for part in parts)),
        "lines_added": float(added),
        "lines_deleted": float(deleted),
        "files_changed": float(len(evidence.texts)),
        "complexity_delta": float(delta),
        "step_depth": float(max((part.depth for part in parts), default=0)),
        "tests_of_functions": round(math.log1p(len(pairs["covered_functions"])), 6),
        "tests_of_statements": round(math.log1p(len(pairs["covered_statements"])), 6),
        "tests_of_users": round(math.log1p(len(pairs["user_specificity"])), 6),
        "tests_nearby": round(math.log1p(sum(value >= NEAR for value in pairs["closeness"].values())), 6),
        "stores": float(any(part.stored for part in parts)),
    }
    differences = [part.numbers() for part in parts]
    for name in (*DIFFERENCES, "readers"):
        found[f"changed_{name}" if name != "readers" else name] = sum(each[name] for each in differences)
    for kind in STATEMENTS:
        found[f"changed_{kind}"] = float(sum(part.statements[kind] for part in parts))
    return found


def _complexity(text: bytes) -> int:
    try:
        return complexity(ast.parse(text))
    except (SyntaxError, ValueError):
        return 0


def changed_lines(before: bytes, after: bytes) -> tuple[int, int]:
    """Return how many lines were added and deleted, as a line-by-line comparison finds them."""
    old, new = before.splitlines(), after.splitlines()
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    matcher = difflib.SequenceMatcher(a=old[start : len(old) - end], b=new[start : len(new) - end], autojunk=False)
    added = deleted = 0
    for operation, a1, a2, b1, b2 in matcher.get_opcodes():
        if operation != "equal":
            added, deleted = added + b2 - b1, deleted + a2 - a1
    return added, deleted


def _by_file(test_files: list[str], files: list[str], project: Project) -> dict[str, list[float]]:
    """Return for each test file how far its imports are from what changed, and how alike the paths are."""
    changed = [words_of(file) for file in files]
    distances = []
    alike = []
    for file in test_files:
        distances.append(float(_distance(file, set(files), project.imports)))
        own = words_of(file)
        alike.append(round(max((similarity(own, each) for each in changed), default=0.0), 6))
    return {"import_distance": distances, "path_similarity": alike}


def _distance(start: str, targets: set[str], imports: Mapping[str, set[str]]) -> int:
    seen = {start}
    todo = deque([(start, 0)])
    while todo:
        file, far = todo.popleft()
        if file in targets:
            return far
        for each in sorted(imports.get(file, ())):
            if each not in seen:
                seen.add(each)
                todo.append((each, far + 1))
    return UNREACHED


def _filled(tests: list[str], seconds: Mapping[str, float]) -> list[float]:
    known = [seconds[test] for test in tests if test in seconds]
    mean = sum(known) / len(known) if known else 0.0
    return [round(seconds.get(test, mean), 6) for test in tests]


def folders(files: Iterable[str]) -> set[str]:
    """Return the folders that files lie in."""
    return {PurePosixPath(file).parent.as_posix() for file in files}


__all__ = ["TEST", "UNREACHED", "Observation", "folders", "observe"]
