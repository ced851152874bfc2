"""The registry's client against a registry that lies, and one that wants credentials; tests/test_images.py has a real one."""

import json
import os
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloche.errors import ClocheError
from cloche.image.descriptor import Descriptor, Reference
from cloche.image.errors import BadReferenceError, TooLargeError
from cloche.image.manifest import MANIFEST_TYPE, digest_of
from cloche.image.registry import ROUNDS, Registry, fallback_tag
from cloche.untrusted.limits import MANIFEST
from local_registry import LocalRegistry

SUBJECT = b'{"mediaType":"application/vnd.oci.image.manifest.v1+json"}'
DIGEST = digest_of(SUBJECT)
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
SBOM = "application/vnd.cyclonedx+json"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalRegistry]:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name in ("REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with LocalRegistry() as started:
        started.manifests[DIGEST] = started.manifests["1.0"] = (MANIFEST_TYPE, SUBJECT)
        yield started
        for registry in started.clients:
            registry.close()
        started.shutdown()


def client(server: LocalRegistry, reference: str = "demo:1.0") -> Registry:
    registry = Registry(Reference.parse(f"{server.host}/{reference}"), insecure=True)
    server.clients.append(registry)
    return registry


def told(error: ClocheError, server: LocalRegistry) -> tuple[int, str]:
    return int(error.exit_code), error.message.replace(server.host, "HOST")


def failure(server: LocalRegistry, registry: Registry, method: str, *arguments: str | bytes) -> tuple[int, str]:
    with pytest.raises(ClocheError) as raised:
        getattr(registry, method)(*arguments)
    return told(raised.value, server)


def test_what_a_reference_names() -> None:
    digest = "sha256:" + "a" * 64
    for text in (
        "ghcr.example/a/b:1",
        "localhost:5000/a",
        f"[::1]:5000/a@{digest}",
        f"host.example/a:t@{digest}",
        "localhost/x",
    ):
        assert str(Reference.parse(text)) == text
    assert Reference.parse(f"h:1/a/b:t@{digest}") == Reference("h:1", "a/b", "t", digest)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("branin:1", "it names no registry (a host with a dot or a port)"),
        ("library/branin", "it names no registry (a host with a dot or a port)"),
        ("h.example/Branin", "'Branin' is no name of a repository"),
        ("h.example/../x", "'../x' is no name of a repository"),
        ("h.example/a:b:c", "'b:c' is no tag"),
        ("h.example/a:", "'' is no tag"),
        ("h.example/a@sha256:12", "'sha256:12' is no sha256 digest"),
        ("h.example/a@", "'' is no sha256 digest"),
        ("h.example/", "'' is no name of a repository"),
    ],
)
def test_what_is_no_reference(text: str, fault: str) -> None:
    with pytest.raises(BadReferenceError) as raised:
        Reference.parse(text)
    assert raised.value.message == (
        f"{text!r} is no reference to an image in a registry: {fault}; write HOST/NAME:TAG or HOST/NAME@sha256:..."
    )


def test_reading(server: LocalRegistry) -> None:
    registry = client(server)
    server.blobs[digest_of(b"data")] = b"data"
    assert registry.resolve() == Descriptor(MANIFEST_TYPE, DIGEST, len(SUBJECT))
    assert registry.manifest(DIGEST) == SUBJECT
    assert registry.blob(digest_of(b"data")) == b"data"


def test_other_bytes_than_the_digest_says_are_refused(server: LocalRegistry) -> None:
    registry = client(server)
    server.blobs[digest_of(b"data")] = b"dasa"
    server.manifests[DIGEST] = (MANIFEST_TYPE, b"{}")
    for method, digest, found in (("blob", digest_of(b"data"), b"dasa"), ("manifest", DIGEST, b"{}")):
        assert failure(server, registry, method, digest) == (
            1,
            f"HOST/demo gave other bytes for {digest}: they have {digest_of(found)}. They were changed; nothing was used",
        )


def test_what_is_not_there(server: LocalRegistry) -> None:
    absent = "sha256:" + "0" * 64
    assert failure(server, client(server), "manifest", absent) == (1, f"{absent} is not in HOST/demo")
    assert failure(server, client(server, "demo:2"), "resolve") == (1, "2 is not in HOST/demo")
    code, message = failure(server, client(server), "blob", absent)
    assert (code, message) == (3, f"reading {absent}: the registry answered 404 Not Found")
    assert failure(server, client(server), "manifest", "latest")[0] == 2


def test_a_manifest_without_end(server: LocalRegistry) -> None:
    server.manifests["1.0"] = (MANIFEST_TYPE, b" " * (5 << 20))
    assert failure(server, client(server), "resolve") == (
        2,
        "1.0 in HOST/demo has more than 4194304 bytes, which is the most that is read",
    )


def test_nobody_there(server: LocalRegistry) -> None:
    registry = Registry(Reference.parse("127.0.0.1:1/demo:1"), insecure=True)
    code, message = failure(server, registry, "resolve")
    assert code == 3
    assert message.startswith("the registry 127.0.0.1:1 cannot be reached: ")


def test_a_registry_without_tls_that_was_not_announced(server: LocalRegistry) -> None:
    registry = Registry(Reference.parse(f"{server.host}/demo:1.0"), insecure=False)
    code, message = failure(server, registry, "resolve")
    assert code == 3
    assert message.endswith("; it answers without TLS: if that is meant so, --insecure (verify: --insecure-registry)")


def test_a_next_page_elsewhere_is_not_followed(server: LocalRegistry) -> None:
    server.instead["/v2/demo/tags/list"] = (200, {"Link": '<http://198.51.100.1/v2/x>; rel="next"'}, b'{"tags":[]}')
    assert failure(server, client(server), "tags") == (
        3,
        "listing tags: the registry answered with a next page on another host (http://198.51.100.1/v2/x)",
    )


def test_credentials_for_a_token(server: LocalRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.token, server.basic = "t0ken", b64encode(b"user:word").decode()
    denied = (
        3,
        (
            "reading the manifest 1.0: the registry HOST does not let us. Log in with 'podman login HOST',"
            " 'skopeo login HOST' or 'docker login HOST'; REGISTRY_AUTH_FILE and DOCKER_CONFIG are heeded"
        ),
    )
    assert failure(server, client(server), "resolve") == denied
    file = tmp_path / "auth.json"
    file.write_text(json.dumps({"auths": {server.host: {"auth": server.basic}}}))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(file))
    registry = client(server)
    assert registry.resolve().digest == DIGEST
    assert registry.resolve().digest == DIGEST
    asked = server.requests.count("GET /token")
    assert registry.resolve().digest == DIGEST
    assert server.requests.count("GET /token") == asked, "a token is kept"
    # A token that has run out is asked for again.
    server.token = "n3xt"  # noqa: S105 - of a registry that lives as long as this test
    assert registry.resolve().digest == DIGEST
    file.write_text(json.dumps({"auths": {server.host: {"auth": b64encode(b"user:wrong").decode()}}}))
    assert failure(server, client(server), "resolve") == denied


def test_credentials_by_password(server: LocalRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.basic = b64encode(b"user:word").decode()
    # A password of ~/.netrc is not taken, which requests would do by itself.
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login user password word\n")
    (tmp_path / ".netrc").chmod(0o600)
    assert failure(server, client(server), "resolve")[0] == 3
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker/config.json").write_text(json.dumps({"auths": {server.host: {"auth": server.basic}}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    assert client(server).resolve().digest == DIGEST


def test_referrers_where_the_registry_keeps_them(server: LocalRegistry) -> None:
    server.referrers_api = True
    registry = client(server)
    one = registry.attach(DIGEST, BUNDLE, b"bundle", BUNDLE)
    two = registry.attach(registry.resolve(), SBOM, b"sbom", SBOM)
    assert {each.digest for each in registry.referrers(DIGEST)} == {one.digest, two.digest}
    assert [each.digest for each in registry.referrers(DIGEST, SBOM)] == [two.digest]
    assert registry.blob(json.loads(registry.manifest(two.digest))["layers"][0]["digest"]) == b"sbom"
    assert fallback_tag(DIGEST) not in server.manifests


def test_referrers_by_the_fallback_tag(server: LocalRegistry) -> None:
    registry = client(server)
    assert registry.referrers(DIGEST) == []
    one = registry.attach(DIGEST, BUNDLE, b"bundle", BUNDLE, {"note": "x"})
    two = registry.attach(DIGEST, SBOM, b"sbom", SBOM)
    assert registry.attach(DIGEST, SBOM, b"sbom", SBOM) == two
    assert registry.referrers(DIGEST, BUNDLE) == [one]
    assert sorted(each.digest for each in registry.referrers(DIGEST)) == sorted([one.digest, two.digest])
    _, document = server.manifests[fallback_tag(DIGEST)]
    entries = {entry["digest"]: entry for entry in json.loads(document)["manifests"]}
    assert entries[one.digest] == {
        "mediaType": MANIFEST_TYPE, "digest": one.digest, "size": one.size, "artifactType": BUNDLE, "annotations": {"note": "x"},
    }  # fmt: skip


def test_the_last_of_two_stale_writers_brings_back_what_it_dropped(
    server: LocalRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = fallback_tag(DIGEST)
    others: list[Descriptor | None] = []

    def between(name: str) -> None:
        # The index was read; before it is written, another writer does all of its work.
        if name == tag and not others:
            others.append(None)
            others.append(client(server).attach(DIGEST, SBOM, b"sbom", SBOM))

    server.before_put = between
    registry = client(server)
    one = registry.attach(DIGEST, BUNDLE, b"bundle", BUNDLE)
    two = others[1]
    assert two is not None
    assert sorted(each.digest for each in registry.referrers(DIGEST)) == sorted([one.digest, two.digest])

    # The control: without the tags of their own, the other's entry is lost.
    others.clear()
    server.manifests = {DIGEST: (MANIFEST_TYPE, SUBJECT)}
    monkeypatch.setattr(Registry, "tags", lambda _self: [])
    registry.attach(DIGEST, BUNDLE, b"bundle", BUNDLE)
    assert [each.digest for each in registry.referrers(DIGEST)] == [one.digest]


def test_a_tag_of_another_writer_that_is_listed_and_not_yet_written(server: LocalRegistry) -> None:
    tag = fallback_tag(DIGEST)
    marker = f"{tag}.{'0' * 16}"
    server.manifests[marker] = (MANIFEST_TYPE, SUBJECT)
    server.instead[f"/v2/demo/manifests/{marker}"] = (404, {}, b"")
    registry = client(server)
    ours = registry.attach(DIGEST, BUNDLE, b"{}", BUNDLE)
    assert f"GET /v2/demo/manifests/{marker}" in server.requests
    assert [entry.digest for entry in registry.referrers(DIGEST, BUNDLE)] == [ours.digest]


def test_a_writer_that_keeps_dropping_ours_is_given_up_on(
    server: LocalRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = fallback_tag(DIGEST)
    real = Registry._put_manifest  # noqa: SLF001 - the place between our write and our look

    def and_then_another(self: Registry, name: str, data: bytes, media_type: str) -> object:
        response = real(self, name, data, media_type)
        if name == tag:
            server.manifests[tag] = (media_type, b'{"manifests":[]}')
        return response

    monkeypatch.setattr(Registry, "_put_manifest", and_then_another)
    with pytest.raises(ClocheError) as raised:
        client(server).attach(DIGEST, BUNDLE, b"bundle", BUNDLE)
    digest = next(
        name for name in server.manifests if name.startswith("sha256:") and b"bundle.v0.3" in server.manifests[name][1]
    )
    assert told(raised.value, server) == (
        1,
        (
            f"the index {tag} was overwritten {ROUNDS} times by another writer that does not keep our entry {digest};"
            " the artifact is in the registry, but nothing leads to it. Run the command again when the other is done"
        ),
    )


def test_a_registry_in_trouble_while_referrers_are_entered(server: LocalRegistry) -> None:
    path = f"/v2/demo/manifests/{fallback_tag(DIGEST)}"
    server.instead[path] = (500, {}, b"unknown error")

    registry = client(server)
    before = server.requests

    class Watched(list[str]):
        def append(self, request: str) -> None:
            super().append(request)
            if request == f"GET {path}" and self.count(request) > 2:
                server.instead.pop(path, None)

    server.requests = Watched(before)
    one = registry.attach(DIGEST, BUNDLE, b"bundle", BUNDLE)
    assert registry.referrers(DIGEST) == [one]
    # The control: trouble that does not end is told.
    server.requests = []
    server.instead[path] = (503, {}, b"")
    assert failure(server, registry, "attach", DIGEST, SBOM, b"sbom", SBOM) == (
        3,
        f"reading the manifest {fallback_tag(DIGEST)}: the registry answered 503 Service Unavailable",
    )
    # What the client itself did wrong is told at once.
    server.requests.clear()
    server.instead[path] = (400, {}, b"")
    assert failure(server, registry, "attach", DIGEST, SBOM, b"sbom", SBOM)[0] == 3
    assert server.requests.count(f"GET {path}") == 1


@pytest.mark.parametrize(
    "index",
    [
        b"[]",
        b'{"manifests":[{"digest":"sha256:12","mediaType":"x","size":1}]}',
        b'{"manifests":[{"digest":1,"mediaType":"x","size":1}]}',
        b'{"manifests":[{"digest":"sha256:%s","mediaType":"x","size":-1}]}' % (b"0" * 64),
        b'{"manifests":[{"digest":"sha256:%s","mediaType":"x","size":true}]}' % (b"0" * 64),
        b'{"manifests":[{"digest":"sha256:%s","mediaType":"x","size":1,"annotations":{"a":1}}]}' % (b"0" * 64),
        b'{"manifests":{}}',
        b'{"manifests":[1]}',
    ],
)
def test_what_is_no_index(server: LocalRegistry, index: bytes) -> None:
    server.manifests[fallback_tag(DIGEST)] = ("application/vnd.oci.image.index.v1+json", index)
    if index == b'{"manifests":{}}':
        assert client(server).referrers(DIGEST) == []
        return
    assert failure(server, client(server), "referrers", DIGEST) == (
        1,
        f"{fallback_tag(DIGEST)} in HOST/demo is no index of manifests as the OCI image specification has it",
    )


def test_an_index_with_a_name_twice(server: LocalRegistry) -> None:
    server.manifests[fallback_tag(DIGEST)] = ("x", b'{"manifests":[],"manifests":[]}')
    assert "stands twice" in failure(server, client(server), "referrers", DIGEST)[1]


def test_host_that_the_registry_sends_us_to_is_told_no_password(
    server: LocalRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.json").write_text(
        json.dumps({"auths": {server.host: {"auth": b64encode(b"user:secret").decode()}}})
    )
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with LocalRegistry() as other:
        server.instead[f"/v2/demo/blobs/{DIGEST}"] = (307, {"Location": f"http://{other.host}/blob"}, b"")
        for challenge in (f'Bearer realm="http://{other.host}/token",service="s"', 'Basic realm="r"'):
            other.instead["/blob"] = (401, {"Www-Authenticate": challenge}, b"")
            code, message = failure(server, client(server), "blob", DIGEST)
            assert (code, "does not let us" in message) == (3, True)
        assert [request for request in other.requests if "/token" in request] == []
        # Nor does a challenge of the other host bring it to the registry, which did not ask.
        assert len(server.requests) == 2
        other.shutdown()


def test_answers_without_an_end(server: LocalRegistry) -> None:
    server.instead[f"/v2/demo/referrers/{DIGEST}"] = (200, {}, b" " * (MANIFEST.bytes + 1))
    server.instead["/v2/demo/tags/list"] = (200, {}, b" " * (MANIFEST.bytes + 1))
    registry = client(server)
    assert "has more than" in failure(server, registry, "referrers", DIGEST)[1]
    with pytest.raises(ClocheError, match="has more than"):
        registry.tags()


@pytest.mark.parametrize("challenge", ["Bearer x", 'Bearer realm="http://[::1/"'])
def test_challenge_that_is_none(server: LocalRegistry, challenge: str) -> None:
    server.instead[f"/v2/demo/manifests/{DIGEST}"] = (401, {"Www-Authenticate": challenge}, b"")
    assert failure(server, client(server), "manifest", DIGEST)[0] == 3


def test_address_that_is_none(server: LocalRegistry) -> None:
    server.instead[f"/v2/demo/referrers/{DIGEST}"] = (200, {"Link": '<http://[::1>; rel="next"'}, b'{"manifests":[]}')
    assert failure(server, client(server), "referrers", DIGEST) == (
        3,
        "reading referrers: the registry answered with an address that is none (http://[::1)",
    )


def test_answer_that_is_cut_off(server: LocalRegistry) -> None:
    server.instead[f"/v2/demo/manifests/{DIGEST}"] = (200, {"Content-Encoding": "gzip"}, b"cut")
    assert failure(server, client(server), "manifest", DIGEST)[0] == 3


@pytest.mark.parametrize("status", [200, 403])
@pytest.mark.parametrize("with_password", [True, False])
def test_a_token_server_without_an_end_is_given_up_on(
    server: LocalRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, *, with_password: bool
) -> None:
    server.token = "t0ken"  # noqa: S105 - of a registry that lives as long as this test
    if with_password:
        (tmp_path / "auth.json").write_text(json.dumps({"auths": {server.host: {"auth": b64encode(b"u:w").decode()}}}))
        monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))
    server.endless["/token"] = 0
    server.instead["/token"] = (status, {}, b"")
    with pytest.raises(TooLargeError) as refused:
        client(server).resolve("1.0")
    assert refused.value.message == (
        f"the answer of http://{server.host}/token has more than {MANIFEST.bytes} bytes, which is the most that is read"
    )
    assert server.endless["/token"] < 1 << 24


def test_a_redirect_without_an_end_is_given_up_on(server: LocalRegistry) -> None:
    path = "/v2/demo/manifests/1.0"
    server.endless[path] = 0
    server.instead[path] = (307, {"Location": f"http://{server.host}/elsewhere"}, b"")
    with pytest.raises(TooLargeError) as refused:
        client(server).resolve("1.0")
    assert refused.value.message == (
        f"the redirect of http://{server.host}{path} has more than {MANIFEST.bytes} bytes, which is the most that is read"
    )
    assert server.endless[path] < 1 << 24
