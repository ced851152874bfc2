"""Credentials for a registry, as `podman login`, `skopeo login` and `docker login` leave them.

containers-auth.json(5) of containers/image, and Docker's config.json, which has the same form. A key of `auths` is a host, a
host with a namespace or repository, or, in old files, a URL. The most specific one wins.
"""

import binascii
import os
import re
import subprocess
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

from cloche.errors import ClocheError, ExitCode
from cloche.image.descriptor import Reference
from cloche.untrusted import regular_file, strict_json
from cloche.untrusted.limits import POLICY

# One registry with three names; its credentials are kept under the last, as a URL.
_DOCKER = {"docker.io", "registry-1.docker.io", "index.docker.io"}
_DOCKER_URL = "https://index.docker.io/v1/"


def bad_credentials(path: Path, fault: str) -> ClocheError:
    """Return the error of a file with credentials that can't be used."""
    return ClocheError(
        f"the credentials in {path} can't be used: {fault}. Log in again ('podman login', 'skopeo login' or 'docker login'),"
        " name another file by REGISTRY_AUTH_FILE, or remove this one"
    )


def helper_failed(path: Path, program: str, fault: str) -> ClocheError:
    """Return the error of a program that should give credentials and does not."""
    return ClocheError(f"{program}, which {path} names for credentials, {fault}", ExitCode.ENVIRONMENT_LACKS)


def find(reference: Reference) -> str | None:
    """Return user and password as HTTP's basic authentication has them (base64 of USER:PASSWORD), None where there are none.

    Raises ClocheError.
    """
    for path in _files():
        found = _in_file(path, reference)
        if found is not None:
            return found
    return None


def _files() -> list[Path]:
    """Return the files that there are, in the order in which they are asked."""
    home, given = Path.home(), os.environ.get
    if named := given("REGISTRY_AUTH_FILE"):
        return [Path(named)]
    docker, runtime = given("DOCKER_CONFIG"), given("XDG_RUNTIME_DIR")
    places = [
        *([Path(docker, "config.json")] if docker else []),
        Path(runtime, "containers/auth.json") if runtime else Path(f"/run/containers/{os.getuid()}/auth.json"),
        Path(given("XDG_CONFIG_HOME") or home / ".config", "containers/auth.json"),
        *([] if docker else [home / ".docker/config.json"]),
    ]
    return [path for path in places if path.exists()]


def _in_file(path: Path, reference: Reference) -> str | None:
    table = _read(path)
    helpers = _table(table, "credHelpers", path)
    if reference.host in helpers:
        return _helped(path, helpers[reference.host], reference.host)
    auths = _table(table, "auths", path)
    for key in (*_keys(reference), *(key for key in auths if _host(key) == _registry(reference.host))):
        if key in auths and (found := _stated(path, key, auths[key])):
            return found
    return _helped(path, table["credsStore"], reference.host) if table.get("credsStore") else None


def _read(path: Path) -> dict[str, Any]:
    try:
        data = regular_file.read(path, POLICY)
    except OSError as error:
        raise bad_credentials(path, f"it cannot be read: {error.strerror}") from error
    if not data.strip():
        raise bad_credentials(path, "it is empty")
    try:
        table = strict_json.loads(data, what="it", limit=POLICY)
    except strict_json.BadJsonError as error:
        raise bad_credentials(path, error.message) from error
    if not isinstance(table, dict):
        raise bad_credentials(path, "it is no object")
    return table


def _table(table: dict[str, Any], name: str, path: Path) -> dict[str, Any]:
    found = table.get(name) or {}
    if not isinstance(found, dict):
        raise bad_credentials(path, f"{name} is no object")
    return found


def _keys(reference: Reference) -> list[str]:
    """Return HOST/NAMESPACE/NAME, HOST/NAMESPACE and HOST."""
    parts = [reference.host, *reference.name.split("/")]
    return ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]


def _registry(host: str) -> str:
    return "index.docker.io" if host in _DOCKER else host


def _host(key: str) -> str | None:
    """Return the registry of a key that is a URL or a host, None where it is for a part of a registry."""
    plain = re.sub(r"^https?://", "", key)
    if plain != key:
        plain = plain.partition("/")[0]
    return None if "/" in plain else _registry(plain)


def _stated(path: Path, key: str, entry: Any) -> str | None:  # noqa: ANN401 - JSON is of any shape
    """Return what an entry states; one that states nothing leaves it to a helper, as docker writes it."""
    if not isinstance(entry, dict):
        raise bad_credentials(path, f"auths has {key} with no object")
    if entry.get("username") and entry.get("password"):
        return _basic(f"{entry['username']}:{entry['password']}")
    text = entry.get("auth")
    if not text:
        return None
    try:
        user, colon, password = b64decode(text, validate=True).decode().partition(":")
    except (TypeError, ValueError, binascii.Error) as error:
        raise bad_credentials(path, f"the auth of {key} is no base64") from error
    if not colon:
        raise bad_credentials(path, f"the auth of {key} is not USER:PASSWORD in base64")
    return _basic(f"{user}:{password.rstrip(chr(0))}")


def _basic(text: str) -> str:
    return b64encode(text.encode()).decode()


def _helped(path: Path, name: Any, host: str) -> str | None:  # noqa: ANN401 - JSON is of any shape
    """Return what a credential helper says (github.com/docker/docker-credential-helpers); None where it knows nothing."""
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        raise bad_credentials(path, f"{name!r} is no name of a credential helper")
    program = f"docker-credential-{name}"
    address = _DOCKER_URL if host in _DOCKER else host
    try:
        done = subprocess.run([program, "get"], input=address.encode(), capture_output=True, check=False)
    except OSError as error:
        raise helper_failed(path, program, f"can't be started: {error.strerror}") from error
    words = (done.stdout + done.stderr).decode(errors="replace").strip()
    if done.returncode:
        if "credentials not found" in words:
            return None
        raise helper_failed(path, program, f"ended with {done.returncode}: {words[:500]}")
    try:
        found = strict_json.loads(done.stdout, what="it", limit=POLICY)
        return _basic(f"{found['Username']}:{found['Secret']}")
    except (strict_json.BadJsonError, KeyError, TypeError) as error:
        raise helper_failed(path, program, "gave no Username and Secret") from error
