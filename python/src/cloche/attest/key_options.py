"""How a key is named on the command line: by a file, a descriptor or a variable, and never by its text."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass(frozen=True)
class KeySource:
    """Where a private key and its password are."""

    file: Path | None = None
    fd: int | None = None
    variable: str | None = None
    password_fd: int | None = None
    password_variable: str | None = None


class _Place(click.Path):
    """The path of a key, and not the key itself, which is never shown again."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 - click's
        text = str(value)
        if "\n" in text or "PRIVATE KEY" in text:
            self.fail(_SHOWN, param, ctx)
        return super().convert(value, param, ctx)


class _Variable(click.ParamType[str]):
    """The name of an environment variable, and not its value, which is never shown again."""

    name = "variable"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 - click's
        if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", str(value)):
            self.fail(f"what was given is no name of a variable. If it was the secret itself: {_SHOWN}", param, ctx)
        return value


_SHOWN = (
    "a secret given as an argument can be read by everybody on this machine, and is no secret any more; make a new one"
)


def key_options(prefix: str, purpose: str) -> Callable[[_F], _F]:
    """Return a decorator that adds the three ways of naming a key."""

    def decorate(function: _F) -> _F:
        for option in (
            click.option(
                f"--{prefix}key-env",
                "key_env",
                type=_Variable(),
                metavar="NAME",
                help="The environment variable with it.",
            ),
            click.option(f"--{prefix}key-fd", "key_fd", type=int, metavar="N", help="The open descriptor with it."),
            click.option(
                f"--{prefix}key",
                "key_file",
                type=_Place(path_type=Path),
                metavar="FILE",
                help=f"The private key (PKCS#8 PEM) {purpose}.",
            ),
        ):
            function = option(function)
        return function

    return decorate


def password_options(function: _F) -> _F:
    """Add the two ways of giving a key's password."""
    function = click.option(
        "--password-env", type=_Variable(), metavar="NAME", help="The environment variable with the key's password."
    )(function)
    return click.option("--password-fd", type=int, metavar="N", help="The open descriptor with the key's password.")(
        function
    )


def key(
    file: Path | None, fd: int | None, variable: str | None, password_fd: int | None, password_variable: str | None
) -> KeySource | None:
    """Return where the key is, or None when none is named. Raises click.UsageError for more than one place."""
    if sum(item is not None for item in (file, fd, variable)) > 1:
        message = "name the key once: by a file, a descriptor or a variable"
        raise click.UsageError(message)
    if password_fd is not None and password_variable is not None:
        message = "name the password once: by a descriptor or a variable"
        raise click.UsageError(message)
    if file is None and fd is None and variable is None:
        if password_fd is not None or password_variable is not None:
            message = "a password was named, and no key"
            raise click.UsageError(message)
        return None
    return KeySource(file, fd, variable, password_fd, password_variable)
