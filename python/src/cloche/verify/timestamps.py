"""The authorities for time stamps (RFC 3161) that a trust root names, and whether one of them made a stamp.

Format: sigstore/protobuf-specs, sigstore_trustroot.proto, CertificateAuthority.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.x509 import Certificate, load_der_x509_certificate
from rfc3161_client import TimeStampResponse, VerificationError, VerifierBuilder


@dataclass(frozen=True)
class Authority:
    """An authority's certificates, from its own to the root, and from when to when it may be believed."""

    certificates: list[Certificate]
    start: datetime
    end: datetime

    def valid_at(self, time: datetime) -> bool:
        """Return whether it could be believed then; both ends belong to the time."""
        return self.start <= time <= self.end

    def made(self, stamp: TimeStampResponse, signature: bytes) -> bool:
        """Return whether the stamp is this authority's, over this signature, and of a time when it was valid."""
        own, *between, root = self.certificates
        builder = VerifierBuilder().tsa_certificate(own).add_root_certificate(root)
        for certificate in between:
            builder = builder.add_intermediate_certificate(certificate)
        try:
            builder.build().verify_message(stamp, signature)
        except VerificationError:
            return False
        return self.valid_at(stamp.tst_info.gen_time)


def authorities(root: bytes) -> Iterator[Authority]:
    """Yield the authorities of a trust root (JSON): valid by what it says, and by their own certificate."""
    for each in json.loads(root).get("timestampAuthorities") or []:
        certificates = [_certificate(item) for item in each["certChain"]["certificates"]]
        named, own = each.get("validFor") or {}, certificates[0]
        starts = [own.not_valid_before_utc, *([_date(named["start"])] if named.get("start") else [])]
        ends = [own.not_valid_after_utc, *([_date(named["end"])] if named.get("end") else [])]
        # An authority without a root, which nothing could lead to, is none.
        if len(certificates) > 1:
            yield Authority(certificates, max(starts), min(ends))


def _certificate(item: dict[str, Any]) -> Certificate:
    return load_der_x509_certificate(base64.b64decode(item["rawBytes"]))


def _date(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
