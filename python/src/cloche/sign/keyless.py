"""Signing by identity through sigstore: an ambient token in continuous integration, else a browser."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cloche.errors import MISSHAPEN, ClocheError, ExitCode
from cloche.untrusted import regular_file, strict_json
from cloche.untrusted.limits import TRUST_ROOT

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from sigstore.models import ClientTrustConfig

# https://github.com/sigstore/protobuf-specs, sigstore_trustroot.proto, ClientTrustConfig
CONFIG_TYPE = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"
# Fulcio's extension with the issuer as plain text; https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md
_ISSUER = "1.3.6.1.4.1.57264.1.1"

# What the library `id` looks for, for an error that says so.
LOOKED_FOR = (
    "GitHub Actions (ACTIONS_ID_TOKEN_REQUEST_TOKEN and ACTIONS_ID_TOKEN_REQUEST_URL: `permissions: id-token: write`)",
    "GitLab CI (SIGSTORE_ID_TOKEN: `id_tokens:` with `aud: sigstore`)",
    "CircleCI (CIRCLE_OIDC_TOKEN and the program circleci)",
    "Buildkite (BUILDKITE_OIDC_TOKEN or the program buildkite-agent)",
    "Google Cloud (GOOGLE_SERVICE_ACCOUNT_NAME)",
    "a browser on this machine (needs a terminal)",
)


def _missing(reason: str) -> ClocheError:
    places = "".join(f"\n  - {place}" for place in LOOKED_FOR)
    message = f"{reason}. An identity was looked for in:{places}\nTo sign by a key instead: --key FILE, --key-fd N or --key-env NAME"
    return ClocheError(message, ExitCode.ENVIRONMENT_LACKS)


def sign(payloads: list[bytes], config: Path | None, tell: Callable[[str], None]) -> list[bytes]:
    """Return a bundle, with certificate and log entry, for each statement, after verifying it as others will.

    `config` is a client's trust configuration, of another instance than the public one. `tell` is given who signs, in
    the words of the certificate. Raises ClocheError.
    """
    # The library takes 0.7 s to import, so this happens for this way of signing only.
    from sigstore import oidc  # noqa: PLC0415
    from sigstore.dsse import Statement  # noqa: PLC0415
    from sigstore.models import ClientTrustConfig  # noqa: PLC0415
    from sigstore.sign import SigningContext  # noqa: PLC0415
    from sigstore.verify import Verifier  # noqa: PLC0415

    instance = None if config is None else _instance(config)
    try:
        raw = oidc.detect_credential()
    except oidc.IdentityError as error:
        reason = f"this looks like continuous integration, but gives no identity: {error}"
        raise _missing(reason) from error
    if raw is None and not (sys.stdin.isatty() and sys.stderr.isatty()):
        reason = "there is no key, and no identity to sign with"
        raise _missing(reason)
    try:
        # A token that is none is told before anything is asked of the network.
        token = oidc.IdentityToken(raw) if raw else None
        instance = instance or ClientTrustConfig.production()
        token = token or oidc.Issuer(instance.signing_config.get_oidc_url()).identity_token()
        with SigningContext.from_trust_config(instance).signer(token) as signer:
            bundles = [signer.sign_dsse(Statement(payload)) for payload in payloads]
        # A service that answers with nonsense is found out here, and not by whoever verifies.
        verifier, signed_by = Verifier(trusted_root=instance.trusted_root), _Told()
        found = [verifier.verify_dsse(bundle, signed_by)[1] for bundle in bundles]
    except Exception as error:
        # The errors of its services' clients are the library's own affair, and an answer that is none has any type.
        raise ClocheError(
            f"sigstore gave no signature, and nothing was written: {_reason(error)}", ExitCode.ENVIRONMENT_LACKS
        ) from error
    if found != payloads:
        raise ClocheError(
            "sigstore gave no signature, and nothing was written: a bundle has another statement in it",
            ExitCode.ENVIRONMENT_LACKS,
        )
    for words in signed_by.words:
        tell(words)
    return [bundle.to_json().encode() + b"\n" for bundle in bundles]


class _Told:
    """Accepts any certificate that the instance vouches for, and remembers what a policy has to say about it."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def verify(self, cert: "Certificate") -> None:
        from cryptography.x509 import ObjectIdentifier, SubjectAlternativeName  # noqa: PLC0415 - not for signing by key

        names = [
            name.value
            for item in cert.extensions
            if isinstance(item.value, SubjectAlternativeName)
            for name in item.value
        ]
        issuers = [item.value.public_bytes() for item in cert.extensions if item.oid == ObjectIdentifier(_ISSUER)]
        identity, issuer = json.dumps(str(names[0])), json.dumps(issuers[0].decode("utf-8", "replace"))
        words = f"signed by identity = {identity}, issuer = {issuer}"
        if words not in self.words:
            self.words.append(words)


def _instance(path: Path) -> "ClientTrustConfig":
    from sigstore.errors import Error as SigstoreError  # noqa: PLC0415 - as in `sign`
    from sigstore.models import ClientTrustConfig  # noqa: PLC0415 - as in `sign`

    what = f"the trust configuration {path}"
    try:
        data = regular_file.read(path, TRUST_ROOT)
    except OSError as error:
        raise ClocheError(f"{what} can't be read: {error.strerror}") from error
    found = strict_json.loads(data, what=what, limit=TRUST_ROOT)
    if not isinstance(found, dict) or found.get("mediaType") != CONFIG_TYPE:
        raise ClocheError(f"{what} is none: its mediaType has to be {CONFIG_TYPE}")
    try:
        config = ClientTrustConfig.from_json(data.decode())
        # Both are read when they are asked for.
        _ = config.signing_config, config.trusted_root
    except (SigstoreError, ValueError) as error:
        raise ClocheError(f"{what} is not usable: {_reason(error)}") from error
    return config


def _reason(error: BaseException) -> str:
    """Return what a service or the library said, in one line that shows no token."""
    response = getattr(error.__cause__, "response", None)
    said = ""
    if response is not None:
        try:
            said = str(json.loads(response.text)["message"])
        except MISSHAPEN:
            said = f"{response.url} answered with {response.status_code}"
    words = said or str(error) or str(error.__cause__ or "") or type(error).__name__
    return " ".join("".join(letter if letter.isprintable() else " " for letter in words).split())[:500]
