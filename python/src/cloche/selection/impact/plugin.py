"""A pytest plugin that records which test ran what: `pytest -p cloche.selection.impact.plugin --impact-map FILE`.

It needs pytest and coverage, and nothing else of Cloche than the modules that cloche.selection.impact.run copies.
"""

import _posixsubprocess
import importlib.metadata
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

from ...outcomes.reports import worth  # noqa: TID252 - in a recording, its package has another name
from .children import BEGAN, FORKED, LINE, Child, said
from .measurement import HAVE_COVERAGE, TAKEN, Measurement
from .reads import LISTS, OPENS, Reads
from .recording import BETWEEN, NOT_RUN, Seen, make, statement_context, test_of, text
from .source import cached
from .watch import Watch, evaluated_names

# Functions that start another program, in which nothing is seen.
STARTS = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn"}
# Why it is not known what a test runs or reads, besides what Measurement says.
REPLACED = "replaced functions of os that tell which file is read"
# What a message calls the context BETWEEN.
BETWEEN_TESTS = "what runs between tests"
NO_LINE = "ran without a line that was seen"
UNMEASURED = "unmeasured"
# How many tests a message names.
NAMED = 10


class Recorder:
    """Coverage with a context for each test, and the files and programs that Python's audit events tell of."""

    def __init__(self, root: Path, target: Path) -> None:
        self.root = root
        self.target = target
        self.seen = Seen()
        self.context = BETWEEN
        self.active = True
        self.measurement = Measurement(self.measured(), lambda why: self.note(UNMEASURED, why))
        if self.measurement.tracer is None:
            message = "coverage has no trace function here, and by another one it doesn't know contexts: no map can be recorded"
            raise pytest.UsageError(message)
        # Tests with their runs that have not come to an end.
        self.waiting: Counter[str] = Counter()
        self.seen.unwatched = {path for path in map(self.relative, _files_of_modules()) if path}
        self.seen.before = set(self.seen.unwatched)
        self.watch = Watch(self._watched, self._statement, lambda file, name: self.note("read", file, name))
        self.children = tempfile.TemporaryDirectory(prefix="cloche-impact-")
        self.process = os.getpid()
        self.child: Child | None = None
        self.forks: Counter[str] = Counter()
        os.register_at_fork(after_in_parent=self._forked, after_in_child=self._began)
        self._hear_of_programs()
        self.reads = Reads(self.relative, self._read, lambda: self.note(UNMEASURED, REPLACED))
        sys.addaudithook(self.audit)

    def measured(self) -> dict[str, Any]:
        """Return which files coverage measures."""
        return {"include": [f"{self.root}/*"], "omit": ["*/site-packages/*"]}

    def relative(self, file: str) -> str:
        """Return a path below the root, or "" for one elsewhere."""
        path = Path(os.path.realpath(file))
        if not path.is_relative_to(self.root) or cached(path):
            return ""
        return path.relative_to(self.root).as_posix()

    def switch(self, context: str) -> str:
        """Record under another context from here on; return the former one."""
        former, self.context = self.context, context
        if self.active and self.child is None:
            if not self.measurement.intact():
                self._keep(former, UNMEASURED, TAKEN)
                self.measurement.disturbed = True
            self.measurement.switch(context)
        return former

    def _test(self, context: str) -> None:
        """Go on to a test, or from one or the end of a fixture, with a tracer that nobody has taken away."""
        self.switch(context)
        if self.active and self.child is None and self.measurement.disturbed:
            self.measurement.renew()

    def note(self, kind: str, *words: str) -> None:
        """Take note of something that happens in this context, here or in a forked process."""
        if not self.active:
            return
        if self.child is not None:
            self.child.say(kind, *words)
        else:
            self._keep(self.context, kind, *words)

    def _keep(self, context: str, kind: str, *words: str) -> None:
        seen = self.seen
        if kind == "program":
            seen.programs.add(context)
        elif kind == "file":
            seen.files.setdefault(words[0], set()).add(context)
        elif kind == "read":
            seen.reads.setdefault((words[0], words[1]), set()).add(context)
        elif kind == UNMEASURED:
            seen.unmeasured.setdefault(words[0], set()).add(context)
        elif kind == "evaluated":
            seen.evaluated.setdefault(words[0], set()).add(context)
        elif kind == LINE:
            seen.lines.setdefault(words[0], {}).setdefault(int(words[1]), set()).add(context)

    # -- modules

    def _watched(self, path: str) -> str:
        return self.relative(path) if self.active else ""

    def _statement(self, file: str, number: int, run: Callable[[], None]) -> None:
        """Run a statement of a module as such, also when a test is the first to import it."""
        former = self.switch(statement_context(file, number))
        try:
            run()
        finally:
            self.switch(former)

    # -- other processes

    def _forked(self) -> None:
        if self.active:
            self.forks[self.context] += 1
            if self.child is not None:
                self.child.said.discard((self.context, FORKED))
                self.child.say(FORKED)

    def _began(self) -> None:
        if self.active:
            # Its trace function takes the place of coverage's. Stopping that one here would also end the new one.
            self.measurement.own = True
            self.child = Child(Path(self.children.name), self.relative, lambda: self.context)
            self.measurement.forked()
            self.measurement.own = False

    def _hear_of_programs(self) -> None:
        """Hear of programs that multiprocessing starts, of which no audit event tells."""
        original = _posixsubprocess.fork_exec

        def fork_exec(arguments: Any, *words: Any) -> int:  # noqa: ANN401 - passed on
            if not any("resource_tracker import main" in str(word) for word in arguments):
                self.note("program")
            return original(arguments, *words)

        _posixsubprocess.fork_exec = fork_exec

    def _join_children(self) -> None:
        """Add what forked processes wrote; one that wrote nothing is a program in which nothing is seen."""
        began: Counter[str] = Counter()
        for context, kind, *words in said(Path(self.children.name)):
            if kind == BEGAN:
                began[context] += 1
            elif kind == FORKED:
                self.forks[context] += 1
            else:
                self._keep(context, kind, *words)
        for context in self.forks:
            if began[context] != self.forks[context]:
                self.seen.programs.add(context)
        self.children.cleanup()

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take note of a file that is read, a folder that is listed, a program that is started, a text that is evaluated."""
        if not self.active:
            return
        if event in STARTS:
            self.note("program")
        elif event == "exec":
            if isinstance(arguments[0], CodeType):
                for name in evaluated_names(arguments[0]):
                    self.note("evaluated", name)
        elif event == "sys.settrace":
            self.measurement.heard(sys._getframe(1))  # noqa: SLF001 - who sets it
        elif event in OPENS or event in LISTS:
            self.reads.heard(event, arguments, sys._getframe(1))  # noqa: SLF001 - who asks

    def _read(self, path: str, source: bool, asks: FrameType | None) -> None:  # noqa: FBT001 - called by Reads alone
        """Take note of a file that is read, or a folder that is listed."""
        # pytest itself reads sources and lists folders between tests.
        if source and (asks is None or (self.context == BETWEEN and not self.relative(asks.f_code.co_filename))):
            return
        self.note("file", path)

    def stop(self) -> None:
        """Measure no more, and keep the lines that ran."""
        self.active = False
        self.seen.unwatched |= self.watch.lost()
        for symbol in self.watch.in_place_of_builtins():
            self.seen.reads.setdefault(symbol, set())
        measured = self.measurement.stop()
        if self.measurement.erased:
            tests = ", ".join(sorted(self.seen.unmeasured.get(TAKEN, {"one of them"})))
            message = f"no map is written: a test has erased what coverage had measured ({tests})"
            raise pytest.UsageError(message)
        for file, lines in measured.items():
            path = self.relative(file)
            if path:
                self.seen.lines[path] = lines
        # What was imported in another way than by its loader, as pytest does with test modules whose assert it rewrites.
        self.seen.unwatched |= {
            path for path in map(self.relative, _files_of_modules()) if path
        } - self.watch.watched.keys()
        self._join_children()
        self._look_for_tests()

    def _look_for_tests(self) -> None:
        """Take note of tests that did not run, and of those of which no line was seen, whatever the reason."""
        for test, runs in self.waiting.items():
            if runs > 0:
                self.seen.outcomes[test] = NOT_RUN
        seen = {context for lines in self.seen.lines.values() for contexts in lines.values() for context in contexts}
        seen = seen.union(*self.seen.unmeasured.values())
        for test, outcome in self.seen.outcomes.items():
            if outcome == "passed" and test not in seen and test.partition("::")[0].endswith(".py"):
                self._keep(test, UNMEASURED, NO_LINE)
        for why, contexts in sorted(self.seen.unmeasured.items()):
            names = sorted(
                {name for each in contexts for name in self.seen.users.get(each, {each or BETWEEN_TESTS}) if name}
            )
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            print(  # noqa: T201 - to a person
                f"not all is known of what ran, and every change selects it: {', '.join(names[:NAMED])}{more} {why}",
                file=sys.stderr,
            )

    def finish(self, session: pytest.Session) -> None:
        """Stop, and write the map."""
        from ...store import write  # noqa: PLC0415, TID252 - as below; the recorder has another name, too
        from .tree import python_files  # noqa: PLC0415 - a recorder in a derivation makes no map, and has no git

        self.stop()
        files = python_files(self.root)
        self._check_origin(files, session)
        self.target.parent.mkdir(parents=True, exist_ok=True)
        write.file(self.target, text(make(self.root, files, self.seen, _packages())))

    def _check_origin(self, files: list[str], session: pytest.Session) -> None:
        """Refuse a run whose tests imported the project from elsewhere: the map would know nothing of it."""
        tops = {}
        for file in files:
            path = self.root / file
            if path.name == "__init__.py" and not (path.parent.parent / "__init__.py").exists():
                tops[path.parent.name] = path
        for name, path in sorted(tops.items()):
            origin = getattr(sys.modules.get(name), "__file__", None)
            if origin and not Path(os.path.realpath(origin)).is_relative_to(self.root):
                message = (
                    f"{name} was imported from {origin}, and not from {path}: no map is written, because it would know\n"
                    "nothing about this tree. Run the tests where the project is imported from its checkout (editable)."
                )
                raise pytest.UsageError(message)
        if not session.testscollected:
            message = "no test was collected, so no map is written"
            raise pytest.UsageError(message)

    # -- what pytest tells

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Run a test, its function-scoped fixtures included, under its own context."""
        test = test_of(item.nodeid)
        self.seen.outcomes.setdefault(test, "passed")
        self._test(test)
        try:
            result = yield
            self.waiting[test] -= 1
            return result
        finally:
            for context in self._fixtures(item):
                self.seen.users.setdefault(context, set()).add(test)
            self._test(BETWEEN)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Take the tests that are to be run: one that ends the session must not take the others out of the map."""
        self.waiting.update(test_of(item.nodeid) for item in session.items)

    def _fixtures(self, item: pytest.Item) -> set[str]:
        info = getattr(item, "_fixtureinfo", None)
        definitions = [each for found in getattr(info, "name2fixturedefs", {}).values() for each in found]
        # Those that were asked for while the test ran.
        request = getattr(item, "_request", None)
        definitions += list(getattr(request, "_fixture_defs", {}).values())
        return {_name(each) for each in definitions}

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Generator[None, object, object]:
        """Record what a fixture that is made once does for all tests that use it, not only for the first."""
        if fixturedef.scope == "function":
            return (yield)
        context = _name(fixturedef)
        self.seen.users.setdefault(context, set()).add(
            test_of(request.node.nodeid) if request.scope == "function" else ""
        )
        former = self.switch(context)
        try:
            return (yield)
        finally:
            self.switch(former)
            fixturedef.addfinalizer(lambda: self.switch(context) and None)

    def pytest_fixture_post_finalizer(self, fixturedef: pytest.FixtureDef[Any]) -> None:
        """Leave the context of a fixture whose end has run."""
        if self.context == _name(fixturedef):
            self._test(BETWEEN)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the worst outcome of a test's phases and parameters."""
        order = ["passed", "skipped", "failed"]
        test = test_of(report.nodeid)
        former = self.seen.outcomes.get(test, "passed")
        # An expected failure is no "skipped": its code ran, so what it ran is known.
        self.seen.outcomes[test] = max(former, worth(report), key=order.index)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the map when the tests came to their end."""
        if os.getpid() != self.process:
            return
        if exitstatus not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
            self.active = False
            self.measurement.stop()
            print(f"no map is written: pytest ends with {int(exitstatus)}", file=sys.stderr)  # noqa: T201 - to a person
            return
        self.finish(session)


def _name(fixture: pytest.FixtureDef[Any]) -> str:
    return f"fixture {fixture.baseid}::{fixture.argname}"


def _files_of_modules() -> list[str]:
    return [file for module in list(sys.modules.values()) if isinstance(file := getattr(module, "__file__", None), str)]


def _packages() -> dict[str, list[str]]:
    """Return the top-level names that each installed distribution can be imported by."""
    found: dict[str, list[str]] = {}
    for name, distributions in importlib.metadata.packages_distributions().items():
        for distribution in distributions:
            normalised = distribution.lower().replace("_", "-").replace(".", "-")
            found.setdefault(normalised, []).append(name)
    return {name: sorted(set(names)) for name, names in found.items()}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --impact-map."""
    group = parser.getgroup("cloche")
    group.addoption("--impact-map", metavar="FILE", help="Write which tests ran which functions to FILE.")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Start before the first file of the project is imported."""
    target = early_config.known_args_namespace.impact_map
    if target is None:
        return
    if not HAVE_COVERAGE:
        message = (
            f"{sys.executable} has no library coverage, which records what each test runs; add coverage to the dependency\n"
            "group with the project's test tools and make the environment anew"
        )
        raise pytest.UsageError(message)
    # What pytest makes of assert is not needed here; without it, test modules are imported like any other.
    sys.meta_path[:] = [each for each in sys.meta_path if type(each).__name__ != "AssertionRewritingHook"]
    root = Path(os.path.realpath(early_config.invocation_params.dir))
    early_config.pluginmanager.register(Recorder(root, Path(target).absolute()), "cloche-impact-recorder")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse what would make the record wrong."""
    if not config.pluginmanager.hasplugin("cloche-impact-recorder"):
        return
    if getattr(config.option, "cov_source", None) and not getattr(config.option, "no_cov", False):
        message = "pytest-cov measures too, and only one can: add --no-cov where the map is recorded"
        raise pytest.UsageError(message)
    if getattr(config.option, "numprocesses", None):
        message = "the map is recorded in one process: add -n 0"
        raise pytest.UsageError(message)
