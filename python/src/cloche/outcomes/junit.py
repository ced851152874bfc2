"""JUnit XML as test runners write it, one case for each execution; standard library only.

There is no standard, but what Ant and Surefire wrote first (https://github.com/testmoapp/junitxml collects the dialects).
Read are those of pytest (both families), unittest-xml-reporting, Surefire (`flakyFailure` and `rerunFailure` too), Gradle,
GoogleTest (`status`, `result`), CTest (`status`), behave, Jest, Mocha, Go and Catch2. No document type is taken, and so no
entity: nothing is expanded and nothing is fetched.
"""

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import dataclass, field
from xml.parsers import expat

from cloche.outcomes.failures import failing

SUITES = {"testsuites", "testsuite"}
# What stands inside a case, and beside cases where something outside of them failed; the worst first.
MARKS = {
    "failure": "failed",
    "error": "error",
    # Surefire's, of attempts before the last: of a test that failed in the end, and of one that passed.
    "rerunFailure": "failed",
    "rerunError": "error",
    "flakyFailure": "flaky",
    "flakyError": "flaky",
    "skipped": "skipped",
}
# Where the attributes `status` and `result` say it.
STATUS = {
    **dict.fromkeys(("run", "passed", "pass", "ok", "success", "successful", "completed"), "passed"),
    **dict.fromkeys(("failed", "fail", "failure"), "failed"),
    **dict.fromkeys(("error", "errored", "broken", "timeout", "aborted", "hookerror"), "error"),
    **dict.fromkeys(("notrun", "skipped", "skip", "disabled", "ignored", "pending", "suppressed"), "skipped"),
    **dict.fromkeys(("untested", "undefined", "inconclusive", "todo", "excluded"), "skipped"),
}
# pytest's own word for a failure that the suite announces, and that of unittest-xml-reporting.
EXPECTED = {"pytest.xfail", "XFAIL"}


class ReportError(ValueError):
    """What is no report, or none that says what happened."""


class IncompleteError(ReportError):
    """A report that holds less than it says."""

    def __init__(self, suite: str, said: str, held: int) -> None:
        super().__init__(f"the suite {suite!r} says that it has {said}, and holds {held}")


@dataclass(frozen=True)
class Mark:
    """An element inside a case: its tag, its type, and its message."""

    tag: str
    type: str
    message: str


@dataclass
class Suite:
    """A suite: what it says of itself, and what it holds, with its inner suites."""

    attributes: dict[str, str]
    parent: "Suite | None" = None
    cases: int = 0
    bad: int = 0
    skipped: int = 0
    # Whether its `tests` are something else than cases: pytest counts subtests and both reports of an expected failure whose
    # fixture fails, Catch2 counts assertions.
    other: bool = False
    # Whether pytest wrote it.
    pytest: bool = False

    @property
    def name(self) -> str:
        """Its name, empty where it has none."""
        return self.attributes.get("name", "")

    def says(self, *names: str) -> int:
        """Return the sum of some of its counts. Raises ReportError for what is no count."""
        total = 0
        for name in names:
            text = self.attributes.get(name) or "0"
            if not re.fullmatch("[0-9]{1,18}", text):
                message = f"the suite {self.name!r} has {text!r} as its number of {name}, which is no number"
                raise ReportError(message)
            total += int(text)
        return total


@dataclass
class Case:
    """One execution of a test, and what it came to: one of passed, failed, error, flaky, skipped, xfailed."""

    classname: str
    name: str
    suite: Suite
    file: str | None = None
    # As it stands there, and as it is read; None where nothing can be said of it.
    time: str = ""
    seconds: float | None = None
    # The attributes `status` and `result`.
    words: tuple[str, ...] = ()
    marks: list[Mark] = field(default_factory=list)
    outcome: str = "passed"
    message: str = ""

    @property
    def test(self) -> str:
        """The name by which records have it."""
        return f"{self.classname}::{self.name}"


class _Reader:
    """Hears of elements as they begin and end."""

    def __init__(self) -> None:
        self.cases: list[Case] = []
        self.suites: list[Suite] = []
        self.suite: Suite | None = None
        self.case: Case | None = None
        # What each element is that has begun and not ended.
        self.open: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Begin an element."""
        tag = tag.rpartition(":")[2]
        kind = ""
        if not self.open and tag not in SUITES:
            message = f"its root is <{tag}>, where JUnit XML has <testsuites> or <testsuite>"
            raise ReportError(message)
        if tag in SUITES and self.case is None:
            kind = "suite"
            self.suite = Suite(attributes, self.suite)
            self.suite.pytest = attributes.get("name") in {"pytest", "pytest tests"} or _of_pytest(self.suite.parent)
            self.suites.append(self.suite)
        elif tag == "testcase":
            kind = "case"
            self.begin(attributes)
        elif tag in MARKS and (self.open[-1] or self.case is not None):
            self.mark(Mark(tag, attributes.get("type", ""), attributes.get("message", "")))
        elif tag == "property" and self.suite is not None and attributes.get("name") == "random-seed":
            self.suite.other = True
        self.open.append(kind)

    def begin(self, attributes: dict[str, str]) -> None:
        """Begin a case."""
        if self.case is not None or self.suite is None:
            message = f"the testcase {attributes.get('name')!r} stands inside of another one"
            raise ReportError(message)
        self.case = Case(
            attributes.get("classname") or "",
            attributes.get("name") or "",
            self.suite,
            (attributes.get("file") or "").replace("\\", "/") or None,
            (attributes.get("time") or "").strip(),
            words=tuple(word for name in ("status", "result") if (word := attributes.get(name))),
        )
        self.case.suite.cases += 1
        self.cases.append(self.case)

    def mark(self, mark: Mark) -> None:
        """Take note of what a case came to; outside of cases, of what its suite came to."""
        if self.suite is None:
            return
        if self.case is not None:
            self.case.marks.append(mark)
        elif mark.tag != "skipped":
            self.cases.append(Case("", self.suite.name, self.suite, marks=[mark]))
            self.suite.cases += 1
        self.suite.bad += mark.tag in {"failure", "error"}
        self.suite.skipped += mark.tag == "skipped"
        self.suite.pytest = self.suite.pytest or mark.type.startswith("pytest.")

    def end(self, _tag: str) -> None:
        """End an element."""
        kind = self.open.pop()
        if kind == "case" and self.case is not None:
            case, self.case = self.case, None
            if not case.marks and not case.suite.pytest:
                case.outcome = _said(case)
                case.suite.bad += failing(case.outcome)
                case.suite.skipped += case.outcome == "skipped"
        elif kind == "suite" and self.suite is not None:
            suite, self.suite = self.suite, self.suite.parent
            _check(suite)
            if self.suite is not None:
                self.suite.cases += suite.cases
                self.suite.bad += suite.bad
                self.suite.skipped += suite.skipped
                self.suite.other = self.suite.other or suite.other


def _of_pytest(suite: Suite | None) -> bool:
    return suite is not None and suite.pytest


def _said(case: Case) -> str:
    """Return what a case without marks came to, by its attributes."""
    said = []
    for word in case.words:
        outcome = STATUS.get(re.sub("[ _-]", "", word.lower()))
        if outcome is None:
            message = f"the test {case.test!r} has the status {word!r}, which does not tell whether it passed"
            raise ReportError(message)
        said.append(outcome)
    return next((outcome for outcome in ("failed", "error", "skipped") if outcome in said), "passed")


def _check(suite: Suite) -> None:
    """Raise IncompleteError where a suite holds less than it says."""
    if (bad := suite.says("failures", "errors")) > suite.bad:
        raise IncompleteError(suite.name, f"{bad} failures and errors", suite.bad)
    # What is skipped is left out by some runners (Mocha), and counted all the same.
    left_out = max(0, suite.says("skipped") - suite.skipped)
    # pytest always gives both counts.
    if suite.pytest and {"failures", "errors"} <= suite.attributes.keys():
        suite.other = True
    if not suite.other and suite.says("tests") - left_out > suite.cases:
        raise IncompleteError(suite.name, f"{suite.says('tests')} tests", suite.cases)


def parse(data: bytes) -> list[Case]:
    """Return the cases of a report. Raises ReportError for what is none, and for what declares a document type."""
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(data, True)  # noqa: FBT003 - its parameter has no name
    except expat.ExpatError as error:
        message = f"it is no XML: {error}"
        raise ReportError(message) from error
    return _finished(reader)


def _refuse(*_words: object) -> None:
    message = "it has a DTD or entities, which no report of tests needs"
    raise ReportError(message)


def cases_of(report: ET.Element) -> list[Case]:
    """Return the cases of a report that has been read already. Raises ReportError."""
    reader = _Reader()
    # Depth first, without a call for each level.
    left: list[tuple[ET.Element, bool]] = [(report, False)]
    while left:
        element, ended = left.pop()
        if ended:
            reader.end(element.tag)
            continue
        reader.start(element.tag, dict(element.attrib))
        left.append((element, True))
        left += [(child, False) for child in reversed(element)]
    return _finished(reader)


def _finished(reader: _Reader) -> list[Case]:
    for case in reader.cases:
        if case.marks:
            first = min(case.marks, key=lambda mark: [*MARKS].index(mark.tag))
            case.outcome, case.message = MARKS[first.tag], first.message
            if case.outcome == "skipped" and first.type in EXPECTED:
                case.outcome = "xfailed"
            elif case.outcome == "skipped" and not case.suite.pytest and failing(said := _said(case)):
                case.outcome = said
    _durations(reader.cases)
    return _executions(reader.cases)


# -- durations

_NUMBER = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?")
_GROUPS = {",": re.compile(r"[1-9][0-9]{0,2}(,[0-9]{3})+"), ".": re.compile(r"[1-9][0-9]{0,2}(\.[0-9]{3})+")}
_OTHER = {",": ".", ".": ","}


def _unclear(text: str) -> bool:
    """Return whether a number's one separator can be that of thousands and that of decimals."""
    return sum(map(text.count, ".,")) == 1 and any(groups.fullmatch(text) for groups in _GROUPS.values())


def _point(text: str) -> str:
    """Return what separates decimals in a number, by the number alone."""
    last = max(".,", key=text.rfind)
    return last if text.count(last) <= 1 else _OTHER[last]


def decimal_sign(texts: Iterable[str]) -> str | None:
    """Return what separates decimals in a report's durations; None where both occur, or nothing tells.

    Surefire writes numbers as its version and the machine's locale say.
    """
    numbers = [text for text in texts if "." in text or "," in text]
    clear = {_point(text) for text in numbers if not _unclear(text)}
    if not clear and any("." in text for text in numbers):
        return "."
    return clear.pop() if len(clear) == 1 else None


def seconds(text: str, sign: str | None) -> float | None:
    """Return a duration, None where there is none, and where 2,120 may be as well two seconds as two thousand.

    Raises ReportError for what is no duration.
    """
    if not text or (_unclear(text) and (sign is None or sign == "," != _point(text))):
        return None
    point = sign or _point(text)
    whole, _, rest = text.partition(point)
    if _GROUPS[_OTHER[point]].fullmatch(whole):
        whole = whole.replace(_OTHER[point], "")
    plain = f"{whole}.{rest}" if point in text else whole
    if not _NUMBER.fullmatch(plain):
        message = f"{text!r} is no duration"
        raise ReportError(message)
    if math.isinf(found := float(plain)):
        message = f"{text!r} is no duration: it never ends"
        raise ReportError(message)
    return found


def _durations(cases: list[Case]) -> None:
    sign = decimal_sign({case.time for case in cases})
    for case in cases:
        case.seconds = seconds(case.time, sign)


# -- executions


def _executions(cases: list[Case]) -> list[Case]:
    """Return one case for each execution of what pytest wrote; other runners write one for each as it is.

    A test that fails and whose fixtures then fail too is two cases of pytest, and an attempt that a plugin repeats is a
    case that has nothing in it, as if it had passed.
    """
    groups: dict[tuple[int, str], list[Case]] = {}
    for case in cases:
        if case.suite.pytest:
            groups.setdefault((id(case.suite), case.test), []).append(case)
    whole = {key: _ended(group) for key, group in groups.items()}
    sizes: dict[int, set[int]] = {}
    for (owner, _), group in whole.items():
        sizes.setdefault(owner, set()).add(len(group))
    kept = set()
    for (owner, _), group in whole.items():
        # Where all tests are there equally often, and all count, pytest-xdist ran them in several processes (--dist each).
        suite = group[0].suite
        if len(group) > 1 and (len(sizes[owner]) > 1 or suite.says("tests") != suite.cases):
            _repeated(group)
            del group[:-1]
        kept |= {id(case) for case in group}
    return [case for case in cases if not case.suite.pytest or id(case) in kept]


def _ended(group: list[Case]) -> list[Case]:
    """Return the cases of a test, with the failure of the fixtures' end in the one that it belongs to."""
    whole: list[Case] = []
    for case in group:
        before = whole[-1] if whole else None
        if before and case.outcome == "error" and before.outcome == "failed" and before.marks[-1].tag == "failure":
            before.marks += case.marks
            before.seconds = _sum(before.seconds, case.seconds)
        else:
            whole.append(case)
    return whole


def _repeated(attempts: list[Case]) -> None:
    """Let the last attempt of a test say what all came to: it was repeated because the others failed."""
    last = attempts[-1]
    if len(attempts) > 1 and not failing(last.outcome):
        failed = next((case.message for case in attempts if failing(case.outcome)), last.message)
        last.outcome, last.message = "flaky", failed or f"it passed at attempt {len(attempts)}"


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other
