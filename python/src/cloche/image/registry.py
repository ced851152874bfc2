"""A client of one repository in a registry (OCI distribution specification 1.1), with tokens by oras.

What oras has is used: the challenge by which a registry sends its clients to a token server. Requests themselves are made
here, since a layer is a stream, since oras tries each failed request five times, and since it writes a manifest again instead
of sending it to the byte. So are credentials found (cloche.image.credentials), since oras knows those of hosts only.
"""

import hashlib
import logging
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode, urljoin

import oras.auth
import requests

from cloche.errors import ClocheError, ExitCode
from cloche.image import credentials
from cloche.image.descriptor import DIGEST, EMPTY, Descriptor, Reference, artifact
from cloche.image.errors import (
    BadReferenceError,
    NotFoundError,
    RegistryError,
    TooLargeError,
    WrongBytesError,
    lost_referrer,
    unreachable_registry,
)
from cloche.image.layout import descriptors, index, referrer
from cloche.image.manifest import INDEX_TYPE, MANIFEST_TYPE, digest_of
from cloche.image.read import Image, Stream
from cloche.image.session import PATIENCE, BoundedSession, read_bounded
from cloche.untrusted import strict_json
from cloche.untrusted.limits import EVIDENCE, MANIFEST, STATEMENT, Limit

DOCKER = "application/vnd.docker.distribution.manifest"
ACCEPTED = f"{MANIFEST_TYPE}, {INDEX_TYPE}, {DOCKER}.v2+json, {DOCKER}.list.v2+json"
# Of what oras logs only its warnings are news; its errors become ours.
logging.getLogger("oras.logger").addFilter(lambda record: record.levelno == logging.WARNING)
# How often an index of referrers is written before another writer, who does not keep ours, is given up on.
ROUNDS = 10
PAGES = 1000
FINE, CREATED, ACCEPTED_STATUS, UNAUTHORISED, FORBIDDEN, MISSING, SERVER_ERROR = 200, 201, 202, 401, 403, 404, 500


class Registry:
    """The repository that a reference names. All bytes read are compared with the digest that was asked for."""

    def __init__(self, reference: Reference, *, insecure: bool = False) -> None:
        """Make a client; `insecure` speaks HTTP without TLS, for a registry on the same machine."""
        self.reference = reference
        self._root = f"{'http' if insecure else 'https'}://{reference.host}/v2/{reference.name}/"
        self._session = BoundedSession()
        # Credentials come from the registries' own files; without this, requests would take those of ~/.netrc.
        self._session.auth = _unchanged
        self._auth = oras.auth.get_auth_backend("token", self._session, insecure)
        if basic := credentials.find(reference):
            # Where oras looks for what its own reader found.
            self._auth._basic_auth = basic  # noqa: SLF001 - as said
        self._headers: dict[str, str] = {}
        # How many requests of each kind were made: what tests and reports count.
        self.requests: dict[str, int] = {}

    def close(self) -> None:
        """Close the connections, which are otherwise closed with the program."""
        self._session.close()

    # Reading

    def resolve(self, name: str | None = None) -> Descriptor:
        """Return the descriptor of the manifest with this tag or digest, or of the one that the reference names."""
        name = name or self.reference.digest or self.reference.tag
        if name is None:
            raise BadReferenceError(str(self.reference), "it has neither tag nor digest")
        data, media_type = self._manifest(name)
        return Descriptor(media_type, digest_of(data), len(data))

    def manifest(self, digest: str) -> bytes:
        """Return a manifest or index to the byte."""
        return self._manifest(_digest(digest))[0]

    def blob(self, digest: str, limit: Limit = STATEMENT) -> bytes:
        """Return a blob that fits into memory: evidence, a configuration."""
        found, size = [], 0
        for block in self.stream(digest):
            found.append(block)
            size += len(block)
            if size > limit.bytes:
                raise TooLargeError(f"{digest} in {self._where}", limit.bytes)
        return b"".join(found)

    def stream(self, digest: str) -> Iterator[bytes]:
        """Yield a blob of any size; raises WrongBytesError at its end if it is another one."""
        found = hashlib.sha256()
        with self._request("GET", f"blobs/{_digest(digest)}", f"reading {digest}", {FINE}, stream=True) as response:
            for block in self._blocks(response, 1 << 20):
                found.update(block)
                yield block
        if f"sha256:{found.hexdigest()}" != digest:
            raise WrongBytesError(self._where, digest, f"sha256:{found.hexdigest()}")

    def referrers(self, digest: str, artifact_type: str | None = None) -> list[Descriptor]:
        """Return what refers to the manifest of this digest, of one type or of any, sorted by digest.

        Where the registry has no referrers API, the index under the fallback tag is read.
        """
        query = f"?{urlencode({'artifactType': artifact_type})}" if artifact_type else ""
        found: list[Descriptor] = []
        path = f"referrers/{_digest(digest)}{query}"
        response = self._request("GET", path, "reading referrers", {FINE, MISSING}, headers={"Accept": INDEX_TYPE})
        if response.status_code == MISSING:
            found = self._fallback(fallback_tag(digest))
        else:
            for page in self._pages(response, "reading referrers"):
                found += descriptors(page, f"the referrers of {digest} in {self._where}")
        wanted = {each.digest: each for each in found if artifact_type in (None, each.artifact_type)}
        return [wanted[name] for name in sorted(wanted)]

    # Writing

    def push(self, image: Image, tag: str) -> list[str]:
        """Send what the registry lacks of an image, its manifest last; return the names of the layers that were sent."""
        sent = [layer.name for layer in image.layers if self._put_blob(layer.digest, Stream(layer))]
        self._put_blob(digest_of(image.config), image.config)
        self._put_manifest(tag, image.manifest, MANIFEST_TYPE)
        return sent

    def attach(
        self,
        subject: Descriptor | str,
        artifact_type: str,
        data: bytes,
        media_type: str,
        annotations: Mapping[str, str] | None = None,
    ) -> Descriptor:
        """Send evidence about a manifest of this repository, which may be named by its digest, as a referrer.

        Returns the descriptor of the artifact. Raises ClocheError, see `_enter`.
        """
        if isinstance(subject, str):
            subject = self.resolve(_digest(subject))
        document = artifact(subject, artifact_type, data, media_type, annotations or {})
        for blob in (EMPTY, data):
            self._put_blob(digest_of(blob), blob)
        digest = digest_of(document)
        response = self._put_manifest(digest, document, MANIFEST_TYPE)
        descriptor = Descriptor(MANIFEST_TYPE, digest, len(document), artifact_type, annotations or {})
        # The specification: a registry that keeps referrers itself answers with this header.
        if response.headers.get("OCI-Subject") != subject.digest:
            self._enter(subject.digest, descriptor, document)
        return descriptor

    def _enter(self, subject: str, descriptor: Descriptor, document: bytes) -> None:
        """Enter an artifact into the index under the fallback tag, without losing what others enter at the same time.

        A registry has no compare-and-swap: who writes an index that was read a moment ago drops what was entered since,
        and the one whose entry is dropped may have looked already. So each artifact first gets a tag of its own, which
        nobody else writes. An index is complete when it has all that these tags name; each writer writes until it has
        seen a complete one after its own write. Whichever write comes last, its writer looks after it, finds the tags of
        all who wrote before, and completes it. Raises ClocheError when another kind of writer keeps overwriting.
        """
        tag = fallback_tag(subject)
        marker = f"{tag}.{descriptor.digest.removeprefix('sha256:')[:16]}"
        self._put_manifest(marker, document, MANIFEST_TYPE)
        trouble: ClocheError = lost_referrer(tag, descriptor.digest, ROUNDS)
        for number in range(ROUNDS):
            # Writers that meet step out of each other's way, each by another time.
            time.sleep(number * (1 + int(marker[-1], 16)) / 200)
            try:
                present = {entry.digest: entry for entry in self._fallback(tag)}
                complete = {**self._marked(tag, present), **present, descriptor.digest: descriptor}
                if complete.keys() == present.keys():
                    return
                self._put_manifest(tag, index(complete[name] for name in sorted(complete)), INDEX_TYPE)
            except RegistryError as error:
                # docker-registry writes a tag in place: who reads it at that moment is told of an internal error.
                if error.status < SERVER_ERROR:
                    raise
                trouble = error
            else:
                trouble = lost_referrer(tag, descriptor.digest, ROUNDS)
        raise trouble

    def _marked(self, tag: str, known: Mapping[str, Descriptor]) -> dict[str, Descriptor]:
        """Return the artifacts that have tags of their own beside the fallback tag and are not known yet."""
        short = {digest.removeprefix("sha256:")[:16] for digest in known}
        found = {}
        for marker in self.tags():
            before, _, name = marker.rpartition(".")
            if before == tag and name not in short:
                try:
                    data, media_type = self._manifest(marker)
                except NotFoundError:
                    # Listed, and not yet written: who writes it looks at the index afterwards, and finds what is there.
                    continue
                _, entry = referrer(data, media_type, f"{marker} in {self._where}")
                found[entry.digest] = entry
        return found

    def tags(self) -> list[str]:
        """Return the repository's tags."""
        found: list[str] = []
        response = self._request("GET", f"tags/list?n={PAGES}", "listing tags", {FINE, MISSING})
        if response.status_code == MISSING:
            return []
        for page in self._pages(response, "listing tags"):
            value = strict_json.loads(page, what=f"the tags of {self._where}", limit=MANIFEST)
            names = value.get("tags") if isinstance(value, dict) else None
            found += [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
        return found

    def _fallback(self, tag: str) -> list[Descriptor]:
        try:
            data, _ = self._manifest(tag)
        except NotFoundError:
            return []
        return descriptors(data, f"{tag} in {self._where}")

    def _manifest(self, name: str) -> tuple[bytes, str]:
        what = f"reading the manifest {name}"
        with self._request(
            "GET", f"manifests/{name}", what, {FINE, MISSING}, headers={"Accept": ACCEPTED}, stream=True
        ) as response:
            if response.status_code == MISSING:
                raise NotFoundError(name, self._where)
            data = self._bounded(response, f"{name} in {self._where}")
            media_type = response.headers.get("Content-Type", "").partition(";")[0]
        if DIGEST.fullmatch(name) and digest_of(data) != name:
            raise WrongBytesError(self._where, name, digest_of(data))
        return data, media_type

    def _put_manifest(self, name: str, data: bytes, media_type: str) -> requests.Response:
        what = f"writing the manifest {name}"
        return self._request(
            "PUT", f"manifests/{name}", what, {CREATED}, headers={"Content-Type": media_type}, data=data
        )

    def _put_blob(self, digest: str, data: bytes | Stream) -> bool:
        """Send a blob unless it is there; return whether it was sent."""
        there = self._request("HEAD", f"blobs/{digest}", f"looking for {digest}", {FINE, MISSING})
        if there.status_code == FINE:
            return False
        begun = self._request("POST", "blobs/uploads/", f"beginning to send {digest}", {ACCEPTED_STATUS}, data=b"")
        address = _join(begun.url, begun.headers.get("Location", ""), f"beginning to send {digest}")
        address += ("&" if "?" in address else "?") + urlencode({"digest": digest})
        headers = {"Content-Type": "application/octet-stream"}
        self._request("PUT", address, f"sending {digest}", {CREATED}, headers=headers, data=data)
        return True

    def _pages(self, response: requests.Response, what: str) -> Iterator[bytes]:
        """Yield the bytes of an answer and of those that it says come next."""
        total = 0
        for _ in range(PAGES):
            total += len(response.content)
            if total > EVIDENCE.bytes:
                raise TooLargeError(f"{what}: all pages together", EVIDENCE.bytes)
            yield response.content
            following = response.links.get("next", {}).get("url")
            if not following:
                return
            address = _join(response.url, following, what)
            if not self._own(address):
                raise RegistryError(what, f"with a next page on another host ({address})")
            response = self._request("GET", address, what, {FINE})
        raise RegistryError(what, f"with more than {PAGES} pages")

    @property
    def _where(self) -> str:
        return f"{self.reference.host}/{self.reference.name}"

    def _request(  # noqa: PLR0913 - one place for all requests
        self,
        method: str,
        path: str,
        what: str,
        fine: set[int],
        *,
        headers: dict[str, str] | None = None,
        data: bytes | Stream | None = None,
        stream: bool = False,
    ) -> requests.Response:
        """Make a request, with credentials where the registry asks for them; raises ClocheError."""
        address = path if "://" in path else self._root + path
        kind = path.partition("/")[0] if "://" not in path else "upload"
        self.requests[f"{method} {kind}"] = self.requests.get(f"{method} {kind}", 0) + 1
        try:
            response = self._send(method, address, headers or {}, data)
            # A challenge of a host that the registry only sends us to would bring our password to whoever it names.
            asked = response.status_code in {UNAUTHORISED, FORBIDDEN} and self._own(response.url)
            if asked and self._authenticated(response):
                response.close()
                response = self._send(method, address, headers or {}, data)
        except requests.RequestException as error:
            raise unreachable_registry(self.reference.host, str(error)) from error
        if response.status_code in fine:
            if not stream:
                self._bounded(response, what)
            return response
        with response:
            if response.status_code in {UNAUTHORISED, FORBIDDEN}:
                host = self.reference.host
                raise ClocheError(
                    f"{what}: the registry {host} does not let us. Log in with 'podman login {host}', 'skopeo login {host}' or"
                    f" 'docker login {host}'; REGISTRY_AUTH_FILE and DOCKER_CONFIG are heeded",
                    ExitCode.ENVIRONMENT_LACKS,
                )
            words = next(self._blocks(response, 500), b"").decode(errors="replace").strip()
            raise RegistryError(
                what, f"{response.status_code} {response.reason}{f': {words}' if words else ''}", response.status_code
            )

    def _blocks(self, response: requests.Response, size: int) -> Iterator[bytes]:
        try:
            yield from response.iter_content(size)
        except requests.RequestException as error:
            raise unreachable_registry(self.reference.host, str(error)) from error

    def _bounded(self, response: requests.Response, what: str) -> bytes:
        try:
            return read_bounded(response, what)
        except requests.RequestException as error:
            raise unreachable_registry(self.reference.host, str(error)) from error

    def _own(self, address: str) -> bool:
        return address.startswith(urljoin(self._root, "/"))

    def _send(
        self,
        method: str,
        address: str,
        headers: dict[str, str],
        data: bytes | Stream | None,
    ) -> requests.Response:
        # Only the registry itself is told who we are; where it sends uploads may be another host.
        own = self._headers if self._own(address) else {}
        return self._session.request(
            method, address, headers={**own, **headers}, data=data, stream=True, timeout=PATIENCE
        )

    def _authenticated(self, response: requests.Response) -> bool:
        """Do as `_authenticate`, and leave no connection open where that fails."""
        try:
            return self._authenticate(response)
        except BaseException:
            response.close()
            raise

    def _authenticate(self, response: requests.Response) -> bool:
        """Heed a registry's challenge; return whether there is something new to send."""
        challenge = response.headers.get("Www-Authenticate", "")
        basic = getattr(self._auth, "_basic_auth", None)
        if challenge.lower().startswith("basic"):
            fresh = {"Authorization": f"Basic {basic}"} if basic else {}
        elif challenge:
            try:
                headers, changed = self._auth.authenticate_request(response, {}, refresh=True)
            except (AttributeError, KeyError, TypeError, ValueError):
                # A challenge that oras can't read, or a token server's answer that is none.
                return False
            fresh = headers if changed else {}
        else:
            fresh = {}
        changed = bool(fresh) and fresh != self._headers
        self._headers = fresh or self._headers
        return changed


def fallback_tag(digest: str) -> str:
    """Return the tag under which referrers are listed where a registry has no API for them."""
    return digest.replace(":", "-", 1)


def _join(base: str, address: str, what: str) -> str:
    try:
        return urljoin(base, address)
    except ValueError as error:
        raise RegistryError(what, f"with an address that is none ({address})") from error


def _digest(text: str) -> str:
    if not DIGEST.fullmatch(text):
        raise BadReferenceError(text, "it is no sha256 digest")
    return text


def _unchanged(request: Any) -> Any:  # noqa: ANN401 - requests' own type of a prepared request
    return request
