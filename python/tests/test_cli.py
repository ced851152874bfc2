"""The command line as a whole."""

import subprocess
import sys
from collections.abc import Callable

import pytest

from cloche.cli import VERBS, cloche
from conftest import Outcome


def test_help_lists_every_verb(run: Callable[..., Outcome]) -> None:
    outcome = run("--help")
    assert outcome.code == 0
    for name, verb in VERBS.items():
        assert f"  {name}" in outcome.out
        assert verb.help.split(":", 1)[0] in outcome.out


@pytest.mark.parametrize("name", sorted(VERBS))
def test_each_verb_has_help(run: Callable[..., Outcome], name: str) -> None:
    assert run(name, "--help").code == 0


def test_help_loads_no_heavy_module() -> None:
    heavy = ["unearth", "packaging", "poetry", "uv", "httpx2", "numpy", "sigstore"]
    program = (
        "import sys\nfrom cloche.cli import main\nsys.argv = ['cloche', '--help']\n"
        f"try:\n    main()\nexcept SystemExit:\n    pass\nprint([m for m in {heavy} if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.endswith("\n[]\n")


def test_an_unknown_verb_is_bad_usage(run: Callable[..., Outcome]) -> None:
    outcome = run("lokc")
    assert outcome.code == 2
    assert "No such command 'lokc'" in outcome.err


def test_a_verb_without_its_command_is_a_fault_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    from cloche import cli

    monkeypatch.setitem(VERBS, "errors", cli.Verb("cloche.lock.run", ""))
    monkeypatch.setattr("cloche.lock.run.errors", 1, raising=False)
    with pytest.raises(TypeError, match=r"^cloche\.lock\.run has no click command for 'errors'$"):
        cloche.main(["errors"], standalone_mode=False)
