"""The user's pip configuration: which indexes, with which certificates.

Read as pip does (https://pip.pypa.io/en/stable/topics/configuration/): global, user and virtual
environment files, then the file that PIP_CONFIG_FILE names, then PIP_* variables; of two settings
the later one wins, and [install] and [download] say no more than [global] here.
"""

import configparser
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cloche.errors import ClocheError

_SECTIONS = ("global", "download", "install")


@dataclass(frozen=True, kw_only=True)
class PipConfig:
    """What pip would use. URLs may contain credentials: never print them."""

    index_url: str | None = None
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    trusted_hosts: tuple[str, ...] = ()
    cert: str | None = None
    client_cert: str | None = None
    proxy: str | None = None
    no_index: bool = False
    timeout: float = 15.0


def read_pip_config(environ: Mapping[str, str] | None = None) -> PipConfig:
    """Return the configuration of the user who runs this; raises ClocheError."""
    environ = os.environ if environ is None else environ
    settings: dict[str, str] = {}
    for file in _files(environ):
        settings.update(_read(file))
    for name, value in environ.items():
        if name.startswith("PIP_") and value:
            settings[name.removeprefix("PIP_").lower().replace("_", "-")] = value
    return PipConfig(
        index_url=settings.get("index-url"),
        extra_index_urls=tuple(settings.get("extra-index-url", "").split()),
        find_links=tuple(settings.get("find-links", "").split()),
        trusted_hosts=tuple(settings.get("trusted-host", "").split()),
        cert=settings.get("cert"),
        client_cert=settings.get("client-cert"),
        proxy=settings.get("proxy"),
        no_index=settings.get("no-index", "").lower() in {"1", "true", "yes", "on"},
        timeout=float(settings.get("timeout", settings.get("default-timeout", "15"))),
    )


def _files(environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield pip's files on Linux, the least important first."""
    chosen = environ.get("PIP_CONFIG_FILE")
    if chosen == os.devnull:
        return
    for folder in environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":"):
        yield Path(folder, "pip", "pip.conf")
    yield Path("/etc/pip.conf")
    if "HOME" in environ:
        yield Path(environ["HOME"], ".pip", "pip.conf")
        config = environ.get("XDG_CONFIG_HOME") or Path(environ["HOME"], ".config")
        yield Path(config, "pip", "pip.conf")
    yield Path(environ.get("VIRTUAL_ENV") or sys.prefix, "pip.conf")
    if chosen:
        yield Path(chosen)


def _read(file: Path) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read(str(file), encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError) as error:
        raise ClocheError(
            f"{file}: not a pip configuration file: {' '.join(str(error).split())}.\nSee `pip config debug`."
        ) from error
    found: dict[str, str] = {}
    for section in _SECTIONS:
        if parser.has_section(section):
            found.update({key.replace("_", "-"): value for key, value in parser.items(section)})
    return found
