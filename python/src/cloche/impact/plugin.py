"""A pytest plugin that records which test ran what: `pytest -p cloche.impact.plugin --impact-map FILE`.

It needs pytest and coverage, and nothing else of Cloche than the modules that cloche.impact.run copies.
"""

import _posixsubprocess
import importlib.metadata
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

from ..outcomes.reports import worth  # noqa: TID252 - in a recording, its package has another name
from .children import BEGAN, FORKED, LINE, Child, said
from .recording import BETWEEN, IMPORT, Seen, make, test_of, text
from .source import cached
from .watch import Watch, evaluated_names

try:
    import coverage
except ImportError:
    HAVE_COVERAGE = False
else:
    HAVE_COVERAGE = True

# Functions that start another program, in which nothing is seen.
STARTS = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn"}
LISTS = {"os.listdir", "os.scandir", "glob.glob"}


class Recorder:
    """Coverage with a context for each test, and the files and programs that Python's audit events tell of."""

    def __init__(self, root: Path, target: Path) -> None:
        self.root = root
        self.target = target
        self.seen = Seen()
        self.context = BETWEEN
        self.active = True
        # Other cores do not know contexts, or are slow.
        before = os.environ.get("COVERAGE_CORE")
        os.environ["COVERAGE_CORE"] = "ctrace"
        self.coverage = coverage.Coverage(data_file=None, config_file=False, messages=False, **self.measured())
        self.coverage.start()
        if before is None:
            del os.environ["COVERAGE_CORE"]
        else:
            os.environ["COVERAGE_CORE"] = before
        self.seen.unwatched = {path for path in map(self.relative, _files_of_modules()) if path}
        self.seen.before = set(self.seen.unwatched)
        self.watch = Watch(self._watched, self._statement, lambda file, name: self.note("read", file, name))
        self.children = tempfile.TemporaryDirectory(prefix="cloche-impact-")
        self.process = os.getpid()
        self.child: Child | None = None
        self.forks: Counter[str] = Counter()
        os.register_at_fork(after_in_parent=self._forked, after_in_child=self._began)
        self._hear_of_programs()
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
            self.coverage.switch_context(context)
        return former

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
        elif kind == "evaluated":
            seen.evaluated.setdefault(words[0], set()).add(context)
        elif kind == LINE:
            seen.lines.setdefault(words[0], {}).setdefault(int(words[1]), set()).add(context)

    # -- modules

    def _watched(self, path: str) -> str:
        return self.relative(path) if self.active else ""

    def _statement(self, file: str, number: int, run: Callable[[], None]) -> None:
        """Run a statement of a module as such, also when a test is the first to import it."""
        former = self.switch(f"{IMPORT}{file}#{number}")
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
            self.child = Child(Path(self.children.name), self.relative, lambda: self.context)

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
        elif event in {"open", "sqlite3.connect"} or event in LISTS:
            self._opened(event, arguments)

    def _opened(self, event: str, arguments: tuple[Any, ...]) -> None:
        name: object = arguments[0] if arguments else None
        if isinstance(name, bytes):
            name = os.fsdecode(name)
        if name is None:
            name = "."
        if not isinstance(name, str) or name.startswith(("<", "file:", ":")):
            return
        # pytest itself reads sources and lists folders between tests, and imports read sources.
        quiet = self.context == BETWEEN or self.context.startswith(IMPORT)
        if quiet and (name.endswith((".py", ".pyc")) or event in LISTS):
            return
        if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax"):
            return
        path = self.relative(name)
        if path:
            self.note("file", path)

    def stop(self) -> None:
        """Measure no more, and keep the lines that ran."""
        self.active = False
        self.coverage.stop()
        self.seen.unwatched |= self.watch.lost()
        for symbol in self.watch.in_place_of_builtins():
            self.seen.reads.setdefault(symbol, set())
        data = self.coverage.get_data()
        for file in data.measured_files():
            path = self.relative(file)
            if path:
                self.seen.lines[path] = {
                    line: set(contexts) for line, contexts in data.contexts_by_lineno(file).items()
                }
        # What was imported in another way than by its loader, as pytest does with test modules whose assert it rewrites.
        self.seen.unwatched |= {
            path for path in map(self.relative, _files_of_modules()) if path
        } - self.watch.watched.keys()
        self._join_children()

    def finish(self, session: pytest.Session) -> None:
        """Stop, and write the map."""
        from ..store import write  # noqa: PLC0415, TID252 - as below; the recorder has another name, too
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
        self.switch(test)
        try:
            return (yield)
        finally:
            for context in self._fixtures(item):
                self.seen.users.setdefault(context, set()).add(test)
            self.switch(BETWEEN)

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
            self.switch(BETWEEN)

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
            self.coverage.stop()
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
