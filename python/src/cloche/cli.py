"""The command line `cloche`: a group whose verbs are loaded when they are called."""

import gc
import importlib
import os
import sys
from dataclasses import dataclass
from typing import NoReturn

import click

from cloche.errors import ClocheError, ExitCode
from cloche.untrusted import terminal
from cloche.untrusted.regular_file import IrregularFileError, OversizedFileError


@dataclass(frozen=True)
class Verb:
    """Where a verb's click command lives, and the line that `cloche --help` shows for it."""

    module: str
    help: str


# The attribute in `module` has the verb's own name.
VERBS = {
    "accept": Verb("cloche.regression.accept", "Make the present results of experiments their baselines."),
    "audit": Verb("cloche.audit.command", "Look for known vulnerabilities and denied licences by an SBOM."),
    "load-image": Verb("cloche.image.command", "Bring an image to podman, docker, a registry or a folder."),
    "lock": Verb("cloche.lock.command", "Write cloche.lock: the exact files, by hash, of every environment."),
    "performance": Verb("cloche.performance.command", "Measure benchmarks of two revisions, and compare figures."),
    "profile": Verb("cloche.profile.command", "Show where experiments and slow tests spend their time."),
    "regress": Verb("cloche.regression.command", "Compare results of experiments, and look for drift."),
    "report": Verb("cloche.report.command", "Write one report of all that is known about a project."),
    "reproduce": Verb("cloche.reproduce.command", "Build outputs again under other circumstances, and compare."),
    "select-tests": Verb("cloche.selection.command", "Say which tests a change can affect, and why; run them."),
    "sign": Verb("cloche.sign.command", "Sign statements about artifacts, by a key or an identity."),
    "telemetry": Verb("cloche.telemetry.command", "Keep what tests did, and show what they cost."),
    "trace-tests": Verb("cloche.trace.command", "Find out what each test file needs; write cloche-tests.json."),
    "train": Verb("cloche.selection.learned.command", "Make a model of which tests a change breaks, and its card."),
    "verify": Verb("cloche.verify.command", "Accept or refuse an artifact by a policy, and say why."),
}


class LazyGroup(click.Group):
    """A group that imports a verb's module only to run it, so that `--help` answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of the verbs."""
        return sorted(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Return the verb's command, or None for an unknown one."""
        verb = VERBS.get(cmd_name)
        if verb is None:
            return None
        command = getattr(importlib.import_module(verb.module), cmd_name.replace("-", "_"))
        if not isinstance(command, click.Command):
            message = f"{verb.module} has no click command for {cmd_name!r}"
            raise TypeError(message)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of verbs without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, VERBS[name].help) for name in self.list_commands(ctx)])


# Nothing of ours has colours. Without `color`, click drops what looks like one, instead of letting it be seen.
@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "color": True})
@click.version_option(package_name="cloche")
def cloche() -> None:
    """Hermetic, reproducible builds for scientific Python projects."""


def main() -> None:
    """Run the command line; what goes wrong becomes a message on stderr and an exit code."""
    # Syntax trees, maps and closures are many objects that live to the end: looking for cycles among them after every 700 new
    # ones takes half of the time.
    gc.set_threshold(500_000)
    with terminal.shown():
        _run()


def _run() -> None:
    try:
        cloche.main(standalone_mode=True)
    except ClocheError as error:
        _end(error.message, error.exit_code)
    except (IrregularFileError, OversizedFileError) as error:
        _end(f"{terminal.line(os.fsdecode(error.filename))} can't be read: {error.strerror}", ExitCode.BAD_INPUT)
    except MemoryError:
        _end("there is not enough memory for this", ExitCode.ENVIRONMENT_LACKS)
    except OSError as error:
        # A full disk, a folder that can't be written to: nothing that a list of our functions would explain.
        place = error.filename2 or error.filename
        where = "" if place is None else f"{terminal.line(os.fsdecode(place))}: "
        _end(f"{where}{error.strerror or error}", ExitCode.ENVIRONMENT_LACKS)


def _end(message: str, code: ExitCode) -> NoReturn:
    # Not by click, which drops from a message what looks like a colour, instead of letting it be seen.
    sys.stderr.write(f"error: {message}\n")
    sys.exit(code)


__all__ = ["ExitCode", "cloche", "main"]
