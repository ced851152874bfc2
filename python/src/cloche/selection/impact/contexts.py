"""A pytest plugin for recordings in derivations: which test ran which lines, as JSON that is the same for every run.

`pytest -p _cloche_trace.selection.impact.contexts`; the variable CLOCHE_SUITE names the recording's settings (cloche.suite.run), whose
"contexts" are { target, places }: the file to write, and where the project's files are in this run. Several recordings
are joined by unions (cloche.suite.join), and the map is made of what comes out (cloche.selection.impact.make_map).
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from .measurement import HAVE_COVERAGE
from .plugin import Recorder, pytest_configure
from .recording import Seen, test_of

VERSION = 3


class ContextRecorder(Recorder):
    """A recorder of a run whose files are in several folders."""

    def __init__(self, root: Path, target: Path, places: list[tuple[str, str]], crashed: list[str]) -> None:
        self.places = sorted(((os.path.realpath(path), name) for path, name in places), reverse=True)
        super().__init__(root, target)
        # They ended the processes before this one, and run in none that ends.
        self.seen.outcomes.update({test_of(test): "failed" for test in crashed})

    def measured(self) -> dict[str, Any]:
        """Return which files coverage measures."""
        # coverage looks for the files that patterns name, unless they begin with a star.
        return {"include": [pattern for path, _ in self.places for pattern in (f"*{path}", f"*{path}/*")]}

    def relative(self, file: str) -> str:
        """Return a file's name in the project, or "" for one elsewhere."""
        path = os.path.realpath(file)
        for place, name in self.places:
            if path == place or path.startswith(f"{place}/"):
                found = "/".join(part for part in (name, path[len(place) + 1 :]) if part)
                return "" if "__pycache__" in found.split("/") else found
        return ""

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the contexts, also of a batch that has none but tests that crash."""
        nothing = exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED
        super().pytest_sessionfinish(session, pytest.ExitCode.OK if nothing else exitstatus)

    def finish(self, session: pytest.Session) -> None:  # noqa: ARG002 - as its base
        """Stop, and write the contexts."""
        self.stop()
        self.target.write_text(json.dumps(as_json(self.seen), sort_keys=True) + "\n", encoding="utf-8")


def as_json(seen: Seen) -> dict[str, Any]:
    """Return what was seen as JSON has it, sorted."""
    return {
        "version": VERSION,
        "lines": {
            file: {str(line): sorted(contexts) for line, contexts in sorted(lines.items())}
            for file, lines in sorted(seen.lines.items())
        },
        "files": {name: sorted(each) for name, each in sorted(seen.files.items())},
        "reads": reads_by_file(seen),
        "evaluated": {name: sorted(each) for name, each in sorted(seen.evaluated.items())},
        "unwatched": sorted(seen.unwatched),
        "programs": sorted(seen.programs),
        "unmeasured": {why: sorted(each) for why, each in sorted(seen.unmeasured.items())},
        "outcomes": dict(sorted(seen.outcomes.items())),
        "users": {name: sorted(each) for name, each in sorted(seen.users.items())},
        "before": sorted(seen.before),
    }


def reads_by_file(seen: Seen) -> dict[str, dict[str, list[str]]]:
    """Return by file and name the contexts in which a module was asked for the name."""
    found: dict[str, dict[str, list[str]]] = {}
    for (file, name), contexts in sorted(seen.reads.items()):
        found.setdefault(file, {})[name] = sorted(contexts)
    return found


def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Start before the first file of the project is imported."""
    suite = json.loads(Path(os.environ["CLOCHE_SUITE"]).read_text(encoding="utf-8"))
    settings = suite["contexts"]
    if not HAVE_COVERAGE:
        message = "cloche.tests.coverage needs the package coverage in a group of cloche.tests.groups"
        raise pytest.UsageError(message)
    root = Path(os.path.realpath(early_config.invocation_params.dir))
    places = [tuple(each) for each in settings["places"]]
    recorder = ContextRecorder(root, Path(settings["target"]), places, suite["done"])
    early_config.pluginmanager.register(recorder, "cloche-impact-recorder")


__all__ = ["pytest_configure", "pytest_load_initial_conftests"]
