"""Where a store of telemetry is; the text form of an address hides what is secret in it."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, unquote_plus

import click

VARIABLE = "CLOCHE_TELEMETRY"
DEFAULT = ".cloche/telemetry.sqlite"
HIDDEN = "***"
# As libpq reads it (PostgreSQL documentation, "Connection URIs"), where every part is what it seems to be; of anything else
# it can't be told which part is the password.
_URL = re.compile(
    r"""(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*)://
        (?:(?P<user>[^:/?\#@\s]*)(?P<password>:[^/?\#@\s]*)?@)?
        (?P<place>(?:[\w.-]*|\[[0-9a-fA-F:.]+\])(?::[0-9]+)?)
        (?P<database>/[^?\#@\s]*)?
        (?:\?(?P<query>[^\#\s]*))?""",
    re.VERBOSE,
)
# Parameters of a URL whose values are nobody's secret (where they look like one of theirs), and those whose names are known.
_SHOWN = {
    *("application_name", "connect_timeout", "dbname", "host", "hostaddr", "mode", "port", "sslmode"),
    *("target_session_attrs", "timeout", "user"),
}
_NAMES = {*_SHOWN, "options", "passfile", "password", "service", "sslcert", "sslkey", "sslpassword", "sslrootcert"}
# Shorter ones are found in words that have nothing to do with them.
_LEAST = 4
_PLAIN = re.compile(r"[\w./,%-]*")
# Not a file's name: libpq's keywords ("host=... password=..."), or a URL that lacks its slashes.
_MEANT = re.compile(
    r"\s*(?:host|hostaddr|port|dbname|user|password|passfile|service|sslmode)\s*=|postgres(?:ql)?(?:\+\w+)?:",
    re.IGNORECASE,
)


class Address:
    """A file of SQLite, or a URL; only `reveal` returns a password."""

    def __init__(self, text: "str | Path | Address") -> None:
        self._text = text.reveal() if isinstance(text, Address) else os.fspath(text)

    def reveal(self) -> str:
        """Return the whole, for who opens it and nobody else."""
        return self._text

    @property
    def url(self) -> bool:
        """Whether it is a URL, and no file."""
        return "://" in self._text

    @property
    def meant_otherwise(self) -> bool:
        """Whether it is no URL, and no name that somebody would give a file."""
        return not self.url and _MEANT.match(self._text) is not None

    def without_secrets(self, words: str) -> str:
        """Return words of others, such as a database's, without what this address hides."""
        words = words.replace(self._text, str(self))
        # As it was given, and as it was read; the longest first, since one may be in another.
        forms = {form for each in self._secrets() for form in (each, unquote(each), unquote_plus(each)) if form}
        for secret in sorted(forms, key=len, reverse=True):
            if secret in words and len(secret) < _LEAST:
                return "what it says is not shown, since that might tell the password"
            words = words.replace(secret, HIDDEN)
        return words

    def _secrets(self) -> Iterator[str]:
        found = _URL.fullmatch(self._text)
        if self.meant_otherwise or (self.url and found is None):
            yield self._text
        elif found is not None:
            yield (found["password"] or "")[1:]
            for entry in (found["query"] or "").split("&"):
                name, _, value = entry.partition("=")
                if name not in _NAMES:
                    yield name
                if not _is_shown(name, value):
                    yield value

    def __str__(self) -> str:
        if self.meant_otherwise:
            return HIDDEN
        if not self.url or self._text.startswith("sqlite:///"):
            return self._text
        found = _URL.fullmatch(self._text)
        if found is None:
            return f"{self._text.partition('://')[0]}://{HIDDEN}" if re.match(r"[\w+.-]+://", self._text) else HIDDEN
        user = "" if found["user"] is None else f"{found['user']}{f':{HIDDEN}' if found['password'] else ''}@"
        entries = [entry.partition("=") for entry in (found["query"] or "").split("&") if entry]
        query = "&".join(
            f"{name}={value if _is_shown(name, value) else HIDDEN}" if name in _NAMES else HIDDEN
            for name, _, value in entries
        )
        return f"{found['scheme']}://{user}{found['place']}{found['database'] or ''}{f'?{query}' if query else ''}"

    def __repr__(self) -> str:
        return f"Address({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Address) and self._text == other.reveal()

    def __hash__(self) -> int:
        return hash(self._text)


def _is_shown(name: str, value: str) -> bool:
    return name in _SHOWN and _PLAIN.fullmatch(value) is not None


class _Type(click.ParamType[Address]):
    """Where a store is, on a command line."""

    name = "store"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Address:  # noqa: ANN401, ARG002 - click's
        return Address(value)


TYPE = _Type()


def of_environment() -> Address | None:
    """Return the store that CLOCHE_TELEMETRY names."""
    named = os.environ.get(VARIABLE)
    return Address(named) if named else None


def default() -> Address:
    """Return the store where nobody has named one: that of the environment, else the one in this folder."""
    return of_environment() or Address(DEFAULT)
