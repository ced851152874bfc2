"""A session of pytest under chaos: arms each test for its call phase, and keeps what came of it."""

import functools
import json
import os
from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.nodes import Node

from cloche.errors import ClocheError
from cloche.outcomes.reports import has_failed, is_subtest, seconds
from cloche.resilience import events
from cloche.resilience.events import Recovery
from cloche.store.write import appending

from . import assertions, databases, files, injection, processes, report, sockets
from .deadline import HungError, Watchdog
from .injection import Armed
from .patching import Patches
from .settings import Settings

if TYPE_CHECKING:
    from .native import Native

# Before it is wrapped.
_write = os.write
MARKERS = {"chaos_safe": "safe", "chaos_critical": "critical", "chaos_fragile": "fragile"}


class Session:
    """The hooks; one in each process that runs tests, and one in the process that sees all reports."""

    def __init__(self, config: pytest.Config, settings: Settings, target: str | None) -> None:
        self.config, self.settings = config, settings
        self.root = str(config.rootpath)
        self.target = Path(config.invocation_params.dir, target) if target else None
        self.worker = False
        self.phases: dict[str, list[pytest.TestReport]] = {}
        self.entries: dict[str, report.Entry] = {}
        self.current: Armed | None = None
        self.journal: int | None = None
        self.patches = Patches(settings.chosen)
        for operations in (files, sockets, databases, processes):
            operations.install(self.patches)
        assertions.install(self.patches, config)
        self.patches.when_imported("stamina", _listen_to_stamina)
        events.listeners.append(injection.recovered)
        self.watchdog: Watchdog | None = None
        self.native: Native | None = None
        if settings.native:
            from . import native  # noqa: PLC0415 - costs time, which other runs shall not pay

            self.native = native.Native(settings.chosen)
        self.chosen = settings.chosen
        self.marks = _Marks()
        # Of the test that runs: its marker, whether it is in its call phase, and what its subtests told, who hide it from it.
        self.marker: str | None = None
        self.running = False
        self.hung = False
        self.message = ""
        # Whether each test is followed; of the others only the outcomes are counted, and that of the latest is known.
        self.following = False
        self.quiet: Counter[str] = Counter()
        self.ended = ""

    # -- the process that runs tests

    def run(self, item: pytest.Item, test: Callable[[], None]) -> None:
        """Run a test, armed, and no longer than its call phase; its fixtures are outside."""
        __tracebackhide__ = True
        marker, expected = self.marks.of(item)
        self.marker, self.current = marker, None
        self.hung, self.message = False, ""
        self.running = True
        try:
            self.armed(item, test, expected=expected or marker == "fragile")
        finally:
            self.running = False

    def armed(self, item: pytest.Item, test: Callable[[], None], *, expected: bool) -> None:
        """Run a test with faults, unless it is never to have any."""
        __tracebackhide__ = True
        if self.marker == "safe":
            self.watched(test, expected=expected)
            return
        if item.nodeid in self.entries:
            # Another attempt of it, by a plugin that repeats what failed.
            self.note(kind="began", test=item.nodeid)
        if self.watchdog is None:
            self.watchdog = Watchdog(self.settings.deadline)
        armed = Armed(
            self.settings.seed,
            self.settings.rate,
            self.chosen,
            self.settings.only,
            item.nodeid,
            self.root,
            critical=self.marker == "critical",
            written=self.note_fault,
        )
        self.current = armed
        injection.current[:] = [armed]
        self.watchdog.begin()
        if self.native:
            self.native.arm()
        try:
            self.watched(test, expected=expected)
        finally:
            if self.native:
                self.native.disarm()
            self.watchdog.end()
            injection.current.clear()

    def watched(self, test: Callable[[], None], *, expected: bool) -> None:
        """Run a test; from the first one on of which there is something to tell, follow all of them."""
        __tracebackhide__ = True
        if self.following or expected:
            self.follow()
            test()
            return
        try:
            test()
        except BaseException:
            self.follow()
            raise
        if self.phases:
            # One of its subtests failed, and it is followed.
            return
        armed = self.current
        if armed is not None and (armed.fired or armed.recoveries or (self.watchdog and self.watchdog.late)):
            self.follow()
            return
        self.ended = "safe" if armed is None else "not reached"
        self.quiet[self.ended] += 1

    def follow(self) -> None:
        """Hear of each phase of each test from now on.

        pytest's calling of these hooks takes longer than what a small test does, so it is not done for what only counts.
        """
        if not self.following:
            self.following = True
            self.config.pluginmanager.register(_Reports(self))

    def pytest_exception_interact(self, node: object, report: object) -> None:
        """Hear of the first failure outside of a call phase."""
        if not self.following and isinstance(node, pytest.Item) and isinstance(report, pytest.TestReport):
            self.follow()
            self.phases[node.nodeid] = [report]
            if report.when == "teardown":
                self.quiet[self.ended] -= 1
                self.finish(node.nodeid)

    # -- the process that sees all reports

    def pytest_configure(self, config: pytest.Config) -> None:
        """Know whether this process is one of pytest-xdist's workers."""
        self.worker = hasattr(config, "workerinput")

    def pytest_sessionstart(self) -> None:
        """Open the journal. One that a killed session of the same settings left is continued."""
        if self.target or self.worker or getattr(self.config.option, "dist", "no") != "no":
            self.follow()
        if not self.target or self.worker:
            return
        self.target.parent.mkdir(parents=True, exist_ok=True)
        before = report.read_journal(self.part)
        if before.settings == described(self.settings):
            self.entries = before.ended
            if before.began is not None and before.fired:
                self.entries[before.began] = self.died(before.began, before.fired)
        else:
            self.part.unlink(missing_ok=True)
        try:
            self.journal = appending(self.part)
        except ClocheError as error:
            raise pytest.UsageError(str(error)) from None
        if before.settings != described(self.settings):
            self.note(kind="session", settings=described(self.settings))
        elif before.began is not None and before.fired:
            self.note(kind="ended", entry=vars(self.entries[before.began]))

    def died(self, test: str, fired: list[dict[str, str]]) -> report.Entry:
        """Return the entry of a test in which the process died after a fault."""
        entry = report.Entry(test, armed=sorted(self.settings.chosen), fired=fired, outcome="hung")
        entry.message = "hung, or its process died: it did not come to its end"
        entry.replay = self.settings.replay(self.argument(test))
        return entry

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out what the session that is continued has run."""
        done = [item for item in items if item.nodeid in self.entries]
        for item in done:
            # The marker of a test in which the process died is known only now.
            self.entries[item.nodeid].marker = self.marks.of(item)[0]
        if done:
            items[:] = [item for item in items if item.nodeid not in self.entries]
            config.hook.pytest_deselected(items=done)
        for item in items:
            item.runtest = functools.partial(self.run, item, item.runtest)  # type: ignore[method-assign]

    @property
    def part(self) -> Path:
        """The journal: a line of JSON for each test that began, each fault, each test that ended."""
        return Path(f"{self.target}.part")

    def note(self, **entry: Any) -> None:
        """Append a line, whole."""
        if self.journal is not None:
            _write(self.journal, (json.dumps(entry, sort_keys=True) + "\n").encode())

    def note_fault(self, fired: dict[str, str]) -> None:
        """Write down a fault before it fires, so that a test that dies of it is known; and watch what is asserted now."""
        assertions.watch()
        self.note(kind="fired", fired=fired)

    def finish(self, test: str) -> None:
        """Keep what a test came to."""
        entry = entry_of(test, self.phases.pop(test))
        if entry.fired:
            entry.replay = self.settings.replay(self.argument(test))
        before = self.entries.get(test)
        if before is not None and before.outcome in {"failed", "hung"}:
            # An attempt that failed is not undone by another one, which a plugin made.
            entry = before
        self.entries[test] = entry
        self.note(kind="ended", entry=vars(entry))

    def argument(self, test: str) -> str:
        """Return what names a test on pytest's command line where the session was started."""
        file, colons, rest = test.partition("::")
        return os.path.relpath(self.config.rootpath / file, self.config.invocation_params.dir) + colons + rest

    def pytest_sessionfinish(self) -> None:
        """Write the report."""
        if self.worker:
            return
        for test in list(self.phases):
            # Its process died before the test came to its end.
            self.finish(test)
        if self.target:
            data = report.document(described(self.settings), list(self.entries.values()))
            report.write(self.target, data)
            report.write(
                self.target.with_name(f"{self.target.stem}-durations.json"),
                report.durations(list(self.entries.values())),
            )
        if self.journal is not None:
            os.close(self.journal)
            self.journal = None
            self.part.unlink()

    def pytest_unconfigure(self) -> None:
        """Take all wrappers away."""
        if self.watchdog:
            self.watchdog.close()
        self.patches.undo()
        events.listeners.remove(injection.recovered)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say what fired and how to see a failure again."""
        entries = list(self.entries.values())
        write = terminalreporter.write_line
        terminalreporter.section("chaos")
        fired = sum(len(entry.fired) for entry in entries)
        outcomes = self.quiet + Counter(report.summary(entries))
        for name in ("skipped", "xfailed"):
            # In the setup, before there was something to follow.
            stats = terminalreporter.stats.get(name, [])
            found = {made.nodeid for made in stats if hasattr(made, "nodeid") and not is_subtest(made)}
            outcomes[name] += len(found - self.entries.keys())
        counts = ", ".join(f"{number} {outcome}" for outcome, number in sorted((+outcomes).items()))
        write(
            f"seed {self.settings.seed}, rate {self.settings.rate:g}, types {','.join(self.settings.types)}: {fired} faults fired; {counts or 'no test ran'}"
        )
        if not fired:
            write(
                "no fault fired, so nothing is shown about failures: no test made a call that these types can reach, or the rate is low"
            )
        for entry in entries:
            if entry.unasserted:
                write(f"unasserted {entry.test}: passed without an assertion after the last fault")
            if entry.outcome in {"failed", "hung"} or (entry.marker == "fragile" and entry.outcome == "failed"):
                write(f"{entry.outcome} {entry.test}: {entry.message}")
                for each in entry.fired:
                    write(f"  call {each['call']}: {each['operation']} {each['fault']} at {each['at']}")
                write(f"  replay: {entry.replay}")


class _Reports:
    """The hooks about each phase of each test."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put what fired into the report, which pytest-xdist brings to the process that writes."""
        made = yield
        session = self.session
        if call.when != "call":
            return made
        armed = session.current
        if call.excinfo is not None and isinstance(call.excinfo.value, HungError):
            session.hung = True
            made.longrepr = str(call.excinfo.value)
        if session.marker == "fragile" and armed is not None and armed.fired and (made.failed or session.message):
            session.message = session.message or first_line(made)
            # pytest shows a failure that is expected as such, and the session does not fail by it.
            mark = item.get_closest_marker("chaos_fragile")
            reason = str((mark.kwargs.get("reason") or next(iter(mark.args), "")) if mark else "")
            if made.failed or not session.running:
                made.outcome = "skipped"
                made.wasxfail = f"fragile under chaos{': ' if reason else ''}{reason}"
        if not session.running:
            # The test's own report, and not that of a subtest, which is made while the test runs.
            session.current = None
            marker = session.marks.of(item)[0] if armed is None else session.marker
            late = armed is not None and session.watchdog is not None and session.watchdog.late
            made.chaos = {  # type: ignore[attr-defined]
                **facts(armed, marker, hung=session.hung or late),
                "message": session.message,
            }
        return made

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Write down that a test begins."""
        self.session.note(kind="began", test=nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect the phases of a test; the last one ends it."""
        if self.session.worker:
            return
        phases = self.session.phases.setdefault(report.nodeid, [])
        # Where a plugin repeats tests, the failure by which this one was followed is told of twice.
        if not any(each is report for each in phases):
            phases.append(report)
        if report.when == "teardown":
            self.session.finish(report.nodeid)


def described(settings: Settings) -> dict[str, Any]:
    """Return what a report says of the settings."""
    return {
        "seed": settings.seed,
        "rate": settings.rate,
        "types": list(settings.types),
        "only": list(settings.only),
        "native": settings.native,
    }


class _Marks:
    """Which of the markers a test has, and whether its failure is expected; what holds for a module is looked up once."""

    def __init__(self) -> None:
        self.known: dict[Node, tuple[str | None, bool]] = {}

    def of(self, node: Node) -> tuple[str | None, bool]:
        """Return the marker that is closest to a node, and whether it has an `xfail`."""
        found, expected = (None, False) if node.parent is None else self.of_parent(node.parent)
        for mark in node.own_markers:
            if mark.name in MARKERS:
                # The first of its own is the closest.
                found = next(MARKERS[each.name] for each in node.own_markers if each.name in MARKERS)
            expected = expected or mark.name == "xfail"
        return found, expected

    def of_parent(self, node: Node) -> tuple[str | None, bool]:
        """Return the same of a module, a class or a folder, which others ask for again."""
        if node not in self.known:
            self.known[node] = self.of(node)
        return self.known[node]


def facts(armed: Armed | None, marker: str | None, *, hung: bool) -> dict[str, Any]:
    """Return what there is to tell of a test, as plain values."""
    if armed is None:
        return {
            "marker": marker,
            "armed": [],
            "calls": 0,
            "fired": [],
            "recovery": [],
            "lost": 0.0,
            "asserted": True,
            "hung": hung,
        }
    return {
        "marker": marker,
        "armed": sorted(armed.types),
        "calls": armed.calls,
        "fired": [asdict(each) for each in sorted(armed.fired, key=lambda each: _order(each.call))],
        "recovery": [asdict(each) for each in armed.recoveries],
        "lost": armed.lost,
        "asserted": armed.asserted > armed.asserted_before,
        "hung": hung,
    }


def _order(call: str) -> tuple[str, int]:
    thread, _, number = call.rpartition(":")
    return thread, int(number)


def first_line(made: pytest.TestReport) -> str:
    """Return why a test failed, in one line without addresses."""
    crash = getattr(made.longrepr, "reprcrash", None)
    text = str(crash.message if crash else made.longrepr or "")
    return (text.splitlines() or [""])[0]


def _told(
    phases: list[pytest.TestReport],
) -> tuple[dict[str, Any], pytest.TestReport | None, pytest.TestReport | None]:
    """Return what a test's reports tell of it: the facts, the first that failed, and the first of an expected failure."""
    chaos: dict[str, Any] = {}
    failed = expected = None
    # A session has thousands of tests, so this is done in one go.
    for made in phases:
        own = vars(made)
        chaos = own.get("chaos", chaos)
        if has_failed(made):
            failed = failed or made
        if "wasxfail" in own:
            expected = expected or made
    return chaos, failed, expected


def entry_of(test: str, phases: list[pytest.TestReport]) -> report.Entry:
    """Return what a test came to, by the reports of its phases."""
    chaos, failed, expected = _told(phases)
    entry = report.Entry(
        test,
        chaos.get("marker"),
        chaos.get("armed", []),
        chaos.get("calls", 0),
        chaos.get("fired", []),
        recovery=chaos.get("recovery", []),
        duration=seconds(phases),
        lost=chaos.get("lost", 0.0),
    )
    if failed is not None:
        entry.outcome = "hung" if chaos.get("hung") else "failed"
        entry.message = first_line(failed)
    elif phases[-1].when != "teardown":
        entry.outcome, entry.message = "failed", "the process died before the test came to its end"
    elif entry.marker == "fragile" and expected is not None and entry.fired:
        entry.outcome, entry.message = "hung" if chaos.get("hung") else "failed", chaos.get("message", "")
    elif chaos.get("hung"):
        entry.outcome, entry.message = "hung", "hung: it went on after its deadline (--chaos-deadline)"
    elif expected is not None:
        entry.outcome = "xfailed"
    elif any(made.skipped and not is_subtest(made) for made in phases):
        entry.outcome = "skipped"
    elif entry.marker == "safe":
        entry.outcome = "safe"
    elif entry.fired:
        entry.outcome, entry.unasserted = "survived", not chaos["asserted"]
    return entry


def _listen_to_stamina(module: ModuleType) -> None:
    """Hear of each retry, be it of the helper or of stamina as a program uses it."""
    instrumentation = module.instrumentation

    def hook(details: Any) -> None:
        recovery = Recovery("retry", details.name, details.retry_num, events.retries.get(details.name, 0))
        events.tell(recovery, float(details.wait_for))

    instrumentation.set_on_retry_hooks((*instrumentation.get_on_retry_hooks(), hook))
