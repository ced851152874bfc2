"""Credentials for registries, in the files that podman, skopeo and docker write."""

import json
import os
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cloche.errors import ClocheError, ExitCode
from cloche.image.credentials import find
from cloche.image.descriptor import Reference
from cloche.image.manifest import MANIFEST_TYPE, digest_of
from cloche.image.registry import Registry
from conftest import Outcome
from local_registry import LocalRegistry
from trust import Release

LOGIN = "Log in again ('podman login', 'skopeo login' or 'docker login'), name another file by REGISTRY_AUTH_FILE, or remove this one"
IMAGE = "registry.example/lab/demo"


def basic(word: str) -> str:
    return b64encode(f"user:{word}".encode()).decode()


def entries(**words: str) -> dict[str, Any]:
    """Return a file's `auths`, with a word of its own for each key."""
    return {"auths": {key: {"auth": basic(word)} for key, word in words.items()}}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def file(home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], Path]:
    """Return a function that writes the file that REGISTRY_AUTH_FILE names."""

    def write(value: Any) -> Path:  # noqa: ANN401 - text, or JSON of any shape
        path = home / "auth.json"
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        monkeypatch.setenv("REGISTRY_AUTH_FILE", str(path))
        return path

    return write


@pytest.mark.parametrize(
    ("auths", "image", "word"),
    [
        ({"registry.example": "host"}, IMAGE, "host"),
        # The most specific one wins, in whatever order they stand.
        ({"registry.example": "host", "registry.example/lab": "lab"}, IMAGE, "lab"),
        (
            {"registry.example/lab/demo": "demo", "registry.example/lab": "lab", "registry.example": "host"},
            IMAGE,
            "demo",
        ),
        ({"registry.example": "host", "https://registry.example/v1/": "url"}, IMAGE, "host"),
        # Of another part of the registry, or of a name that only begins alike.
        ({"registry.example/other": "other"}, IMAGE, None),
        (
            {"registry.example/la": "la", "registry.example/lab/demo/more": "more", "registry.example:5000": "port"},
            IMAGE,
            None,
        ),
        ({"registry.example/lab": "lab"}, "registry.example/laboratory/demo", None),
        ({"registry.example/lab": "lab"}, "registry.example/lab/a/b/c", "lab"),
        # As docker wrote them for a time.
        ({"https://registry.example/": "url"}, IMAGE, "url"),
        ({"https://registry.example": "url"}, IMAGE, "url"),
        ({"http://registry.example/v2/": "url"}, IMAGE, "url"),
        ({"https://registry.example/": "url"}, "evil.example/lab/demo", None),
        ({"https://registry.example.evil.example/": "url"}, IMAGE, None),
        ({"https://index.docker.io/v1/": "hub"}, "docker.io/library/demo", "hub"),
        ({"docker.io": "hub"}, "index.docker.io/library/demo", "hub"),
        ({}, IMAGE, None),
    ],
)
def test_the_most_specific_entry_wins(
    file: Callable[[Any], Path], auths: dict[str, str], image: str, word: str | None
) -> None:
    file(entries(**auths))
    assert find(Reference.parse(image)) == (None if word is None else basic(word))


def test_files_are_asked_in_order(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(place: str, **auths: str) -> None:
        (home / place).parent.mkdir(parents=True, exist_ok=True)
        (home / place).write_text(json.dumps(entries(**auths)))

    def word() -> str | None:
        return find(Reference.parse(IMAGE))

    assert word() is None
    write(".docker/config.json", **{"registry.example": "docker"})
    assert word() == basic("docker")
    write(".config/containers/auth.json", **{"registry.example": "config"})
    assert word() == basic("config")
    write("run/containers/auth.json", **{"registry.example": "run"})
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home / "run"))
    assert word() == basic("run")
    # One that knows nothing of the registry leaves it to the next.
    write("run/containers/auth.json", **{"other.example": "other"})
    assert word() == basic("config")
    write("mine/config.json", **{"registry.example": "mine"})
    monkeypatch.setenv("DOCKER_CONFIG", str(home / "mine"))
    assert word() == basic("mine")
    # One that is named is the only one.
    write("only.json")
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(home / "only.json"))
    assert word() is None


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "it is empty"),
        (" \n", "it is empty"),
        ("auths:", "it is no JSON: Expecting value: line 1 column 1 (char 0)"),
        ("[]", "it is no object"),
        ({"auths": []}, None),
        ({"auths": ["x"]}, "auths is no object"),
        ({"auths": {"registry.example": "x"}}, "auths has registry.example with no object"),
        ({"auths": {"registry.example": {"auth": "$"}}}, "the auth of registry.example is no base64"),
        ({"auths": {"registry.example": {"auth": 1}}}, "the auth of registry.example is no base64"),
        ({"auths": {"registry.example": {"auth": "dXNlcg=="}}}, "the auth of registry.example is not USER:PASSWORD in base64"),
        ({"credHelpers": {"registry.example": "../x"}}, "'../x' is no name of a credential helper"),
        ({"credsStore": 1}, "1 is no name of a credential helper"),
    ],
)  # fmt: skip
def test_a_file_that_is_none_is_a_message(file: Callable[[Any], Path], content: Any, fault: str | None) -> None:  # noqa: ANN401
    path = file(content)
    if fault is None:
        assert find(Reference.parse(IMAGE)) is None
        return
    with pytest.raises(ClocheError) as caught:
        find(Reference.parse(IMAGE))
    assert caught.value.message == f"the credentials in {path} can't be used: {fault}. {LOGIN}"
    assert caught.value.exit_code == ExitCode.BAD_INPUT


def test_a_named_file_that_is_not_there_is_a_message(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(home / "absent"))
    with pytest.raises(ClocheError, match="it cannot be read: No such file or directory"):
        find(Reference.parse(IMAGE))


def helper(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Write a credential helper, and put it on the PATH."""
    path = folder / "bin/docker-credential-test"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")


def test_helpers_are_asked(file: Callable[[Any], Path], home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper(home, monkeypatch, """read host; echo "{\\"Username\\": \\"user\\", \\"Secret\\": \\"$host\\"}" """)
    file({"credHelpers": {"registry.example": "test"}})
    assert find(Reference.parse(IMAGE)) == basic("registry.example")
    assert find(Reference.parse("other.example/lab/demo")) is None
    # As docker writes it for a store: an entry that states nothing.
    file({"auths": {"registry.example": {}}, "credsStore": "test"})
    assert find(Reference.parse(IMAGE)) == basic("registry.example")
    assert find(Reference.parse("docker.io/library/demo")) == basic("https://index.docker.io/v1/")
    file({**entries(**{"registry.example/lab": "lab"}), "credsStore": "test"})
    assert find(Reference.parse(IMAGE)) == basic("lab")


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        ("echo broken >&2; exit 1", "ended with 1: broken"),
        ("echo nonsense", "gave no Username and Secret"),
        ("echo '[]'", "gave no Username and Secret"),
    ],
)
def test_a_helper_that_fails_is_a_message(
    file: Callable[[Any], Path], home: Path, monkeypatch: pytest.MonkeyPatch, script: str, fault: str
) -> None:
    path = file({"credsStore": "test"})
    helper(home, monkeypatch, script)
    with pytest.raises(ClocheError) as caught:
        find(Reference.parse(IMAGE))
    assert caught.value.message == f"docker-credential-test, which {path} names for credentials, {fault}"
    helper(home, monkeypatch, "echo 'credentials not found in native keychain'; exit 1")
    assert find(Reference.parse(IMAGE)) is None


def test_a_helper_that_is_not_there_is_a_message(file: Callable[[Any], Path]) -> None:
    file({"credsStore": "nowhere"})
    with pytest.raises(
        ClocheError, match=r"docker-credential-nowhere, which .* names for credentials, can't be started: No such file"
    ):
        find(Reference.parse(IMAGE))


# What a registry sees of it.

MANIFEST = b'{"schemaVersion":2,"layers":[]}'


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalRegistry]:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    with LocalRegistry() as started:
        started.manifests[digest_of(MANIFEST)] = (MANIFEST_TYPE, MANIFEST)
        started.basic = basic("lab")
        yield started
        for registry in started.clients:
            registry.close()
        started.shutdown()


def test_a_registry_is_told_the_credentials_of_its_part(server: LocalRegistry, file: Callable[[Any], Path]) -> None:
    def answer(**auths: str) -> str:
        file(entries(**auths))
        registry = Registry(Reference.parse(f"{server.host}/demo@{digest_of(MANIFEST)}"), insecure=True)
        server.clients.append(registry)
        try:
            return registry.resolve().digest
        except ClocheError as error:
            return "denied" if "does not let us. Log in with" in error.message else error.message

    assert answer(**{server.host: "host", f"{server.host}/demo": "lab"}) == digest_of(MANIFEST)
    assert answer(**{f"http://{server.host}/v1/": "lab"}) == digest_of(MANIFEST)
    assert answer(**{server.host: "lab", f"{server.host}/demo": "host"}) == "denied"
    assert answer(**{f"{server.host}/other": "lab"}) == "denied"


def test_verify_ends_with_a_message_for_an_empty_file(
    run: Callable[..., Outcome], server: LocalRegistry, file: Callable[[Any], Path], tmp_path: Path
) -> None:
    release = Release(tmp_path, run)
    path = file("")
    image = f"{server.host}/demo@{digest_of(MANIFEST)}"
    outcome = run("verify", "--json", "--policy", str(release.policy()), "--insecure-registry", image)
    assert outcome.code == 14
    (row,) = json.loads(outcome.out)["rows"]
    assert row["reason"] == f"the credentials in {path} can't be used: it is empty. {LOGIN}"
