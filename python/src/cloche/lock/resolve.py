"""Resolution by uv, as a subprocess: `uv pip compile --universal` over requirements alone.

Why not `uv lock`: it demands an interpreter that meets the project's requires-python (a machine with
Python 3.11 could not lock for 3.13), and it wants to own the project. `uv pip compile` needs neither;
the [tool.uv] `environments` restrict it to the targets, so that an index need not have what other
systems want. The edges it leaves out are in the metadata of the packages.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import tomli_w
from packaging.requirements import Requirement

from cloche.errors import ClocheError, ExitCode
from cloche.lock.index import default_index
from cloche.lock.model import Environment, Package
from cloche.lock.pip_config import PipConfig
from cloche.lock.pool import Pool
from cloche.lock.pylock import read_pylock
from cloche.lock.target import Target
from cloche.lock.uv import overridden_names

ORIGIN = "uv's resolution"
# The settings of [tool.uv] that decide about versions. Its indexes are left out: hosts come from
# pip's configuration alone.
_SETTINGS = (
    "constraint-dependencies",
    "override-dependencies",
    "exclude-dependencies",
    "prerelease",
    "resolution",
    "exclude-newer",
    "exclude-newer-package",
    "fork-strategy",
    "dependency-metadata",
)
# Seconds; uv's own limit is for each read, and it may build sdists to learn what they require.
_PATIENCE = 7200
_UNREACHABLE = ("Failed to fetch", "Request failed after", "error sending request", "dns error", "Could not connect")


def resolver_unreachable(what: str, explanation: str) -> ClocheError:
    """Return the error of an index that uv could not reach."""
    return ClocheError(
        f"No index could be reached to resolve the requirements of {what}. uv says:\n{_indented(explanation)}\n"
        "Check the network, and the index-url, extra-index-url, find-links, cert and proxy that\n"
        "`pip config list` shows.",
        ExitCode.ENVIRONMENT_LACKS,
    )


def resolve(  # noqa: PLR0913 - each is a separate input of uv, all but two by keyword
    what: str,
    requirements: Sequence[Requirement],
    *,
    targets: Sequence[Target],
    config: PipConfig,
    settings: dict[str, Any],
    preferences: str = "",
) -> Pool:
    """Return the packages that meet `requirements` on all `targets`.

    `what` names the requirements' owner in messages, `settings` is [tool.uv], and `preferences` the
    text of a pylock.toml whose versions are kept where they still fit. Raises ClocheError.
    """
    lowest = min(targets, key=lambda target: target.minor)
    with tempfile.TemporaryDirectory(prefix="cloche-lock-") as folder:
        here = Path(folder)
        uv_table = {key: settings[key] for key in _SETTINGS if key in settings}
        uv_table["environments"] = [target.marker for target in targets]
        (here / "pyproject.toml").write_text(tomli_w.dumps({"tool": {"uv": uv_table}}), encoding="utf-8")
        (here / "requirements.in").write_text("".join(f"{line}\n" for line in requirements), encoding="utf-8")
        output = here / "pylock.toml"
        if preferences:
            output.write_text(preferences, encoding="utf-8")
        arguments = ["--universal", "--python-version", lowest.python, "--python", sys.executable]
        arguments += ["--format", "pylock.toml", "--no-header", "--quiet", "--color", "never"]
        if config.no_index:
            arguments.append("--no-index")
        _run(what, [find_uv(), "pip", "compile", *arguments, "-o", output.name, "requirements.in"], here, config)
        return read_pylock(output, "Run `cloche lock` again.", overridden_names(settings))


def preferred(environments: Iterable[tuple[Target, dict[str, Package]]]) -> str:
    """Return a pylock.toml with the versions of a former lock, or "" when there are none."""
    versions: dict[str, dict[str, list[str]]] = {}
    for target, packages in environments:
        for name, package in packages.items():
            versions.setdefault(name, {}).setdefault(package.version, []).append(f"({target.marker})")
    entries = [
        {"name": name, "version": version} | ({"marker": " or ".join(markers)} if len(found) > 1 else {})
        for name, found in sorted(versions.items())
        for version, markers in sorted(found.items())
    ]
    if not entries:
        return ""
    return tomli_w.dumps({"lock-version": "1.0", "created-by": "cloche", "packages": entries})


def preferred_of(former: Iterable[tuple[str, str, Environment]], build: str | None = None) -> str:
    """Return the preferences that a former lock's environments give, or those of one of its builds."""
    chosen = []
    for system, python, environment in former:
        if build is None:
            chosen.append((Target(system, python), environment.packages))
        elif build in environment.builds:
            chosen.append((Target(system, python), environment.builds[build].packages))
    return preferred(chosen)


def find_uv() -> str:
    """Return the path of the uv binary that the `uv` wheel installed; raises ClocheError."""
    try:
        from uv import find_uv_bin  # noqa: PLC0415 - its absence has a message of its own

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError) as error:
        raise ClocheError(
            "uv is not installed beside this Python.\nInstall it with `python -m pip install uv`.",
            ExitCode.ENVIRONMENT_LACKS,
        ) from error


def uv_environment(config: PipConfig) -> dict[str, str]:
    """Return the environment variables that give uv the indexes of pip's configuration.

    They are variables, not arguments, because URLs with credentials would show in the list of
    processes. pip considers the files of all indexes alike. uv's nearest to that is
    "unsafe-best-match", which takes all files of one version from one index: the first that has the
    version. So the order is pip's, lest a partial mirror named as an extra index hide wheels.
    """
    environ = {key: value for key, value in os.environ.items() if not key.startswith("UV_") or key == "UV_CACHE_DIR"}
    environ |= {
        "UV_NO_SYSTEM_CONFIG": "1",
        "XDG_CONFIG_HOME": os.devnull,
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_HTTP_TIMEOUT": str(max(1, round(config.timeout))),
    }
    if not config.no_index:
        indexes = [_index_url(url) for url in (config.index_url or default_index(), *config.extra_index_urls)]
        environ["UV_DEFAULT_INDEX"] = indexes[0]
        environ["UV_INDEX"] = " ".join(indexes)
    if config.find_links:
        environ["UV_FIND_LINKS"] = ",".join(config.find_links)
    if config.trusted_hosts:
        environ["UV_INSECURE_HOST"] = " ".join(config.trusted_hosts)
    if config.cert:
        environ["SSL_CERT_FILE"] = config.cert
    if config.client_cert:
        environ["SSL_CLIENT_CERT"] = config.client_cert
    if config.proxy:
        environ["ALL_PROXY"] = config.proxy
    return environ


def _run(what: str, command: list[str], folder: Path, config: PipConfig) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - our own uv, no shell
            command,
            cwd=folder,
            env=uv_environment(config),
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE,
        )
    except subprocess.TimeoutExpired as error:
        raise resolver_unreachable(what, f"nothing: it was not done after {_PATIENCE} s.") from error
    if done.returncode:
        explanation = _without_credentials(done.stderr.strip(), config)
        if any(sign in explanation for sign in _UNREACHABLE):
            raise resolver_unreachable(what, explanation)
        raise ClocheError(f"The requirements of {what} cannot be met together. uv says:\n{_indented(explanation)}")


def _index_url(url: str) -> str:
    return url if "://" in url else Path(url).absolute().as_uri()


def _without_credentials(text: str, config: PipConfig) -> str:
    for url in (config.index_url, *config.extra_index_urls, *config.find_links):
        parts = urlsplit(url or "")
        if "@" in parts.netloc:
            plain = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
            text = text.replace(str(url).rstrip("/"), plain.rstrip("/"))
    return text


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
