"""Signing by identity through sigstore: an ambient token in continuous integration, else a browser."""

import sys

from cloche.errors import ClocheError, ExitCode

# What the library `id` looks for, for an error that says so.
LOOKED_FOR = (
    "GitHub Actions (ACTIONS_ID_TOKEN_REQUEST_TOKEN and ACTIONS_ID_TOKEN_REQUEST_URL: `permissions: id-token: write`)",
    "GitLab CI (SIGSTORE_ID_TOKEN: `id_tokens:` with `aud: sigstore`)",
    "CircleCI (CIRCLE_OIDC_TOKEN and the program circleci)",
    "Buildkite (BUILDKITE_OIDC_TOKEN or the program buildkite-agent)",
    "Google Cloud (GOOGLE_SERVICE_ACCOUNT_NAME)",
    "a browser on this machine (needs a terminal)",
)


class NoIdentityError(ClocheError):
    """Nobody vouches for who signs; the message lists where a voucher was looked for."""

    exit_code = ExitCode.ENVIRONMENT_LACKS


class SigstoreFailedError(ClocheError):
    """Sigstore's services could not be reached, or refused."""

    exit_code = ExitCode.ENVIRONMENT_LACKS


def _missing(reason: str) -> NoIdentityError:
    places = "".join(f"\n  - {place}" for place in LOOKED_FOR)
    message = f"{reason}. An identity was looked for in:{places}\nTo sign by a key instead: --key FILE, --key-fd N or --key-env NAME"
    return NoIdentityError(message)


def sign(payloads: list[bytes]) -> list[bytes]:
    """Return a bundle, with certificate and log entry, for each statement. Raises NoIdentityError, SigstoreFailedError."""
    # The library takes 0.7 s to import, so this happens for this way of signing only.
    from sigstore import oidc  # noqa: PLC0415
    from sigstore.dsse import Statement  # noqa: PLC0415
    from sigstore.errors import Error as SigstoreError  # noqa: PLC0415
    from sigstore.models import ClientTrustConfig  # noqa: PLC0415
    from sigstore.sign import SigningContext  # noqa: PLC0415

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
        config = ClientTrustConfig.production()
        token = token or oidc.Issuer(config.signing_config.get_oidc_url()).identity_token()
        with SigningContext.from_trust_config(config).signer(token) as signer:
            return [signer.sign_dsse(Statement(payload)).to_json().encode() + b"\n" for payload in payloads]
    except (SigstoreError, OSError) as error:
        message = f"sigstore gave no signature, and nothing was written: {error}"
        raise SigstoreFailedError(message) from error
