"""What several test files share."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import settings
from threadpoolctl import threadpool_limits

import branin
from branin import search
from branin.request import Request
from branin.results import Run

# The same examples in every run and on every machine; a slow machine is not a failure.
settings.register_profile(
    "reproducible", derandomize=True, deadline=None, database=None, max_examples=50
)
settings.load_profile("reproducible")

Python = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Hold linear algebra to one thread: more only wait for each other on matrices this small."""
    with threadpool_limits(limits=1):
        yield


@pytest.fixture(scope="session")
def python() -> Python:
    """Return a function that runs this interpreter on arguments, in a process of its own."""
    source = str(Path(branin.__file__).parents[1])

    def run(
        *arguments: str, folder: Path | None = None, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": source, **(variables or {})}
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def bayes_run() -> Run:
    """Return one Bayesian search, made once for all tests that look at it."""
    return search.run(Request("bayes", 3, 30))
