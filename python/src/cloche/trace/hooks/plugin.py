"""A pytest plugin for the recordings: runs the files of one batch, and tells the tracer whose turn it is.

`pytest -p _cloche_trace.plugin` with the configuration's "suite": the files to collect (null: what the arguments say),
and where to write what was done, a JSON line each, so that it is known what a process that crashed had come to.

Standard library and pytest only: it is imported by the project's Python.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from . import hooks
from .words import exists

BEGAN = time.perf_counter()


class Suite:
    """The files of one run."""

    def __init__(self, settings: dict[str, Any]) -> None:
        """Take the files to collect, those to leave out, and the file to write to."""
        self.files: list[str] | None = settings["files"]
        self.leave: set[str] = set(settings["leave"])
        self.only_collect: bool = settings["only-collect"]
        self.done: set[str] = set(settings["done"])
        self.only: set[str] | None = None if settings["only"] is None else set(settings["only"])
        self.report = Path(settings["report"])

    def write(self, **entry: object) -> None:
        """Append one line; it is on disk when this returns, so a crash does not take it along."""
        with self.report.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Take out arguments that name what this batch has not.

        The others stay as they are, and files are left out one by one, because the ids of tests depend on the arguments.
        """
        config.args = self.arguments(config)
        # A record has all tests: with -x or --maxfail those after a failure would be missing, and nobody would know.
        config.option.maxfail = 0

    def arguments(self, config: pytest.Config) -> list[str]:
        """Return the arguments that are about this batch; where those of the project name other files, none."""
        # pytest collects what is named, whether or not it is to be ignored.
        mine = [
            word for word in config.args if (place := place_of(word, config)) not in self.leave and self.wants(place)
        ]
        if mine or (self.files is None and not self.leave):
            return mine
        named: list[str] = config.option.file_or_dir
        if named and not (config.option.pyargs and any(self.may_be(word) for word in named)):
            self.write(kind="elsewhere", arguments=named)
            return []
        return list(self.files or [])

    def may_be(self, word: str) -> bool:
        """Return whether an importable name can be that of a file of this batch, wherever Python finds it."""
        stem = word.partition("::")[0].replace(".", "/")
        return any(f"/{stem}.py" in file or f"/{stem}/" in file for file in self.files or [])

    def wants(self, place: str) -> bool:
        """Return whether a file is one of the batch's, or a folder has one."""
        return self.files is None or any(
            file == place or file.startswith(f"{place.rstrip('/')}/") for file in self.files
        )

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Leave out the files that other batches have."""
        place = str(collection_path)
        return True if place in self.leave or not self.wants(place) else None

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Say whose turn it is while a file is imported."""
        with turn_of(collector):
            return (yield)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Write down the files that have tests; leave out tests that were run before another one crashed."""
        files = sorted({str(item.path) for item in items})
        self.write(kind="collected", files=files, seconds=time.perf_counter() - BEGAN)
        wanted = [item for item in items if self.wants_item(item)]
        if len(wanted) < len(items):
            config.hook.pytest_deselected(items=[item for item in items if not self.wants_item(item)])
            items[:] = wanted

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Write down the tests that are to be run."""
        self.write(kind="selected", tests=[item.nodeid for item in session.items])

    def wants_item(self, item: pytest.Item) -> bool:
        """Return whether a test is to be run."""
        if self.only_collect or item.nodeid in self.done:
            return False
        return self.only is None or junit_name(item.nodeid) in self.only

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write down subtests that failed, which JUnit XML has without their names."""
        # Those of pytest, and of the plugin pytest-subtests.
        if type(report).__name__ in {"SubtestReport", "SubTestReport"} and report.outcome == "failed":
            words: Callable[[], str] = getattr(report, "sub_test_description", str)
            words = getattr(report, "_sub_test_description", words)
            self.write(kind="subtest", test=report.nodeid, name=words())

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Say whose turn it is, before and after."""
        self.write(kind="start", test=item.nodeid)
        begun, whole = time.perf_counter(), False
        with turn_of(item):
            try:
                result = yield
                whole = True
                return result
            finally:
                # pytest.exit ends a test without a report.
                self.write(kind="end", test=item.nodeid, seconds=time.perf_counter() - begun, whole=whole)


@contextmanager
def turn_of(node: pytest.Item | pytest.Collector) -> Iterator[None]:
    """Let this process and its children know which file's turn it is."""
    os.environ[hooks.TURN] = str(node.path)
    try:
        yield
    finally:
        os.environ.pop(hooks.TURN, None)


def junit_name(test: str) -> str:
    """Return "classname::name" of a node id, as pytest's JUnit XML has them."""
    address, bracket, parameters = test.partition("[")
    file, *rest = address.split("::")
    parts = [file.replace("/", ".").removesuffix(".py"), *rest]
    return f"{'.'.join(parts[:-1])}::{parts[-1]}{bracket}{parameters}"


def place_of(word: str, config: pytest.Config) -> str:
    """Return the path that an argument of pytest stands for."""
    path = word.partition("::")[0]
    if config.option.pyargs:
        for folder in sys.path:
            stem = os.path.join(folder, *path.split("."))
            for place in (stem, f"{stem}.py"):
                if exists(place):
                    return place
    return os.path.normpath(config.invocation_params.dir / path)


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Begin, as early as a plugin can."""
    with open(os.environ["CLOCHE_SUITE"], encoding="utf-8") as file:
        pluginmanager.register(Suite(json.load(file)), "cloche-suite")
