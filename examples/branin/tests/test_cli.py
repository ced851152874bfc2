"""The command line as a user meets it: files, messages word for word, exit codes."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from click.testing import CliRunner, Result

import branin
from branin.cli import main
from branin.results import Run, render, run_document

Python = Callable[..., CompletedProcess[str]]

# The command's own modules apart, `--help` may load click and the standard library.
LOADED_BY_HELP = """
import sys
from branin.cli import main
try:
    main(["--help"])
finally:
    print(sorted({name.partition(".")[0] for name in sys.modules} & set(sys.argv[1:])))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*arguments: str) -> Result:
    """Return the result of the command with these arguments."""
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            "run --method annealing --output r.json",
            "unknown method 'annealing' (option --method): choose one of bayes, grid, random",
        ),
        (
            "run --evaluations 0 --output r.json",
            "0 is out of range (option --evaluations): choose a number from 1 to 1000",
        ),
        (
            "run --evaluations 1001 --output r.json",
            "1001 is out of range (option --evaluations): choose a number from 1 to 1000",
        ),
        (
            "run --seed -1 --output r.json",
            "-1 is out of range (option --seed): choose a number from 0 to 4294967295",
        ),
        (
            "run --output gone/r.json",
            (
                "cannot write 'gone/r.json' (option --output): the folder 'gone' does not exist; "
                "create it or choose another file"
            ),
        ),
        (
            "run --output .",
            "cannot write '.' (option --output): it is a folder; add the name of a file inside it",
        ),
        (
            "compare --repeats 0 --output r.json",
            "0 is out of range (option --repeats): choose a number from 1 to 100",
        ),
        (
            "compare --output r.json --plot gone/p.svg",
            (
                "cannot write 'gone/p.svg' (option --plot): the folder 'gone' does not exist; "
                "create it or choose another file"
            ),
        ),
        (
            "compare --output r.json --plot p.gif",
            (
                "cannot draw 'p.gif' (option --plot): the suffix '.gif' names no known format; "
                "end the name in .png or .svg"
            ),
        ),
        (
            "plot none.json --output p.svg",
            (
                "cannot read 'none.json' (argument RESULTS): No such file or directory; "
                "name a file written by `branin compare`"
            ),
        ),
        (
            "plot . --output p.svg",
            (
                "cannot read '.' (argument RESULTS): Is a directory; "
                "name a file written by `branin compare`"
            ),
        ),
    ],
    ids=[
        "method",
        "no-evaluations",
        "too-many-evaluations",
        "seed",
        "missing-folder",
        "output-is-folder",
        "no-repeats",
        "plot-in-missing-folder",
        "plot-format",
        "no-results",
        "results-is-folder",
    ],
)
def test_wrong_input(arguments: str, message: str, folder: Path) -> None:
    """Exit code 2, one line on standard error, and no file."""
    result = call(*arguments.split())
    assert (result.exit_code, result.stderr, result.stdout) == (2, f"Error: {message}\n", "")
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    "arguments",
    ["run", "run --evaluations many --output r.json", "walk"],
    ids=["missing-option", "not-a-number", "unknown-verb"],
)
def test_wrong_usage_has_the_same_exit_code(arguments: str, folder: Path) -> None:
    """What click itself refuses."""
    assert call(*arguments.split()).exit_code == 2
    assert not list(folder.iterdir())


@pytest.mark.experiment
def test_run(folder: Path, bayes_run: Run) -> None:
    """The file is the document of the run, the summary is on standard output."""
    result = call(*"run --method bayes --seed 3 --evaluations 10 --output r.json".split())
    assert (result.exit_code, result.stderr) == (0, "")
    expected = Run("bayes", 3, bayes_run.evaluations[:10])
    assert (folder / "r.json").read_bytes() == render(run_document(expected))
    best = json.loads((folder / "r.json").read_text())["best"]
    x1, x2 = best["point"]
    assert result.stdout == (
        f"bayes, seed 3: {best['value']:.6f} at ({x1:.4f}, {x2:.4f}) in evaluation "
        f"{best['evaluation'] + 1} of 10, regret {best['regret']:.1e}\n"
    )


def test_compare_then_plot(folder: Path) -> None:
    """The plot drawn at once and the plot drawn from the file are the same bytes."""
    result = call(
        *"compare --seed 4 --repeats 2 --evaluations 4 --output r.json --plot a.svg".split()
    )
    assert result.exit_code == 0
    document = json.loads((folder / "r.json").read_text())
    keys = [(run["method"], run["seed"]) for run in document["runs"]]
    assert keys == [(method, seed) for method in ("bayes", "grid", "random") for seed in (4, 5)]
    assert result.stdout.splitlines() == [
        "regret     best   median    worst",
        *(
            f"{method:<6}  {ends['best']:.1e}  {ends['median']:.1e}  {ends['worst']:.1e}"
            for method, ends in document["regret"].items()
        ),
    ]
    assert [line.partition(":")[0] for line in result.stderr.splitlines()] == [
        f"{method}, seed {seed}" for method, seed in keys
    ]
    again = call("plot", "r.json", "--output", "b.svg")
    assert (again.exit_code, again.output) == (0, "")
    assert (folder / "a.svg").read_bytes() == (folder / "b.svg").read_bytes()


@pytest.mark.experiment
def test_bytes_do_not_depend_on_process_or_environment(
    python: Python, tmp_path: Path, bayes_run: Run
) -> None:
    """Threads, hash seed and time zone differ; the file does not."""
    variables = {"OPENBLAS_NUM_THREADS": "3", "OMP_NUM_THREADS": "3"}
    variables |= {"PYTHONHASHSEED": "3", "TZ": "Asia/Kolkata"}
    command = "-m branin run --seed 3 --evaluations 10 --output r.json"
    result = python(*command.split(), folder=tmp_path, variables=variables)
    assert result.returncode == 0, result.stderr
    expected = render(run_document(Run("bayes", 3, bayes_run.evaluations[:10])))
    assert (tmp_path / "r.json").read_bytes() == expected


def test_failed_write_is_the_environments_fault(python: Python, tmp_path: Path) -> None:
    """Exit code 3, and the old file is still there."""
    (tmp_path / "r.json").write_text("old")
    limited = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100));"
        "from branin.cli import main; main()"
    )
    arguments = "run --method random --evaluations 9 --output r.json".split()
    result = python("-c", limited, *arguments, folder=tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (
        3,
        "",
        (
            "Error: cannot write 'r.json': File too large; nothing was changed there, "
            "make room or choose another file\n"
        ),
    )
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_help_loads_nothing_heavy(python: Python) -> None:
    """So that it answers at once."""
    heavy = ("matplotlib", "numpy", "scipy", "sklearn", "threadpoolctl")
    result = python("-c", LOADED_BY_HELP, *heavy, "click")
    assert result.stdout.endswith("['click']\n")
    assert "Minimise the Branin function" in result.stdout


def test_version_is_the_projects() -> None:
    """The code and the project file agree."""
    project = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text())
    assert project["project"]["version"] == branin.__version__
    assert call("--version").stdout == f"branin {branin.__version__}\n"
