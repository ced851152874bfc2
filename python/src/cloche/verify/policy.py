"""The policy: one TOML file, of which every key is known, or it is refused. docs/verify.md has the reference."""

import difflib
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from cloche.attest import statement
from cloche.attest.outcome import Refusal, Refused
from cloche.untrusted import regular_file, toml
from cloche.untrusted.limits import POLICY, TRUST_ROOT, Limit
from cloche.untrusted.toml import BadTomlError

LOCAL_BUILDER = "https://cloche.example/builders/unattested-local/v1"
PREDICATES = {
    "provenance": statement.PROVENANCE,
    "test-result": statement.TEST_RESULT,
    "sbom": statement.SBOM,
    "vsa": statement.VSA,
}
# What is judged by a table of its own, and so is never merely allowed.
_OWN_RULES = ("provenance", "vsa")
# A signature over the artifact's own bytes, which states nothing else.
SIGNATURE = "signature"
# What to demand of the store paths that an artifact needs besides itself.
REQUIRED, IGNORED = "required", "ignored"
# Tables that `cloche audit` has too (docs/audit.md).
_AUDIT = ("ignore", "licenses", "vulnerabilities")
# Behind the name of a predicate type.
_VERSION = re.compile(r"/v[0-9.]+$")
_HEX64 = re.compile(r"[0-9a-f]{64}")
REVISION = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_HIGHEST_LEVEL = 3
_T = TypeVar("_T")


@dataclass(frozen=True)
class Signer:
    """Who may sign what: a public key (PEM), or an identity with the issuer that vouches for it.

    `statements` are names of PREDICATES, SIGNATURE and URIs of predicate types.
    """

    name: str
    statements: tuple[str, ...]
    key: bytes | None = None
    identity: str | None = None
    issuer: str | None = None
    not_before: datetime | None = None
    not_after: datetime | None = None
    revoked: str | None = None


@dataclass(frozen=True)
class Builder:
    """A builder whose provenance is accepted from these signers, and the SLSA build level that this makes."""

    id: str
    signers: tuple[str, ...]
    level: int


@dataclass(frozen=True)
class Provenance:
    """What provenance must say."""

    build_type: str
    source: str
    attributes: tuple[str, ...]
    minimum_level: int = 0
    revisions: tuple[str, ...] = ()
    minimum_revision: str | None = None
    minimum_date: datetime | None = None


@dataclass(frozen=True)
class Summary:
    """What the verification summary of somebody else must say; `maximum_age` is in days."""

    verifier: str
    resource: str
    minimum_level: int = 0
    minimum_dependency_level: int | None = None
    policy_sha256: str | None = None
    maximum_age: int | None = None


@dataclass(frozen=True)
class TrustRoot:
    """Sigstore's trust root: the bytes whose digest the policy names."""

    data: bytes
    sha256: str


@dataclass(frozen=True)
class Policy:
    """A policy that was read and found consistent."""

    sha256: str
    signers: tuple[Signer, ...]
    required: tuple[str, ...]
    threshold: int = 1
    log_entry: bool = False
    also_allowed: tuple[str, ...] = ()
    closure: str = REQUIRED
    provenance: Provenance | None = None
    builders: tuple[Builder, ...] = ()
    vsa: Summary | None = None
    required_tests: tuple[str, ...] = ()
    accepted_results: tuple[str, ...] = ("PASSED",)
    # The tables that `cloche audit` has too, as cloche.verify.auditing read them, and which of them there were.
    audit: Any = None
    audited: tuple[str, ...] = ()
    trust_root: TrustRoot | None = field(default=None, repr=False)


def read(path: Path) -> Policy:
    """Return the policy of a file. Raises Refused (POLICY) for anything that is not understood completely."""
    try:
        data = regular_file.read(path, POLICY)
    except (OSError, ValueError) as error:
        raise _bad(path, _unreadable(error)) from error
    try:
        table = toml.loads(data, what="it", limit=POLICY)
    except BadTomlError as error:
        raise _bad(path, error.message.removeprefix("it: ")) from error
    try:
        return _policy(_Table(table, "", path), hashlib.sha256(data).hexdigest())
    except ValueError as error:
        raise _bad(path, str(error)) from error


def _bad(path: Path, reason: str) -> Refused:
    return Refused(Refusal.POLICY, f"the policy {path}: {reason}")


class _Table:
    """A table of which every key must be asked for before `close`."""

    def __init__(self, data: dict[str, Any], name: str, path: Path) -> None:
        self.data, self.name, self.path = data, name, path
        self.asked: set[str] = set()

    def where(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key

    def get(self, key: str, kind: type, what: str) -> Any:  # noqa: ANN401 - each caller names its type
        self.asked.add(key)
        value = self.data.get(key)
        if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
            message = f"{self.where(key)} is {value!r}, where {what} belongs"
            raise ValueError(message)
        return value

    def text(self, key: str) -> str | None:
        value: str | None = self.get(key, str, "a text")
        if value is not None and not value.strip():
            message = f"{self.where(key)} is empty"
            raise ValueError(message)
        return value

    def must(self, key: str) -> str:
        return str(self.present(key, self.text(key)))

    def present(self, key: str, value: Any) -> Any:  # noqa: ANN401 - returned as it came
        if value is None:
            message = f"{self.where(key)} is missing"
            raise ValueError(message)
        return value

    def number(self, key: str, default: int | None, lowest: int, highest: int) -> Any:  # noqa: ANN401 - int, or as default
        value = self.get(key, int, "a number")
        if value is None:
            return default
        if not lowest <= value <= highest:
            message = f"{self.where(key)} is {value}, where {lowest} to {highest} belongs"
            raise ValueError(message)
        return value

    def texts(self, key: str) -> tuple[str, ...] | None:
        value = self.get(key, list, "a list of texts")
        if value is None:
            return None
        if not all(isinstance(item, str) and item.strip() for item in value):
            message = f"{self.where(key)} is {value!r}, where a list of texts belongs"
            raise ValueError(message)
        if len(set(value)) != len(value):
            message = f"{self.where(key)} names something twice: {value!r}"
            raise ValueError(message)
        return tuple(value)

    def moment(self, key: str) -> datetime | None:
        value = self.get(key, datetime, "a date with time and offset, such as 2026-01-31T00:00:00Z,")
        if value is not None and value.tzinfo is None:
            message = f"{self.where(key)} has no offset from UTC: write Z at its end"
            raise ValueError(message)
        try:
            return value if value is None else value.astimezone(UTC)
        except OverflowError as error:
            message = f"{self.where(key)} is {value}, which is out of range in UTC"
            raise ValueError(message) from error

    def table(self, key: str) -> "_Table | None":
        value = self.get(key, dict, "a table")
        return None if value is None else _Table(value, self.where(key), self.path)

    def tables(self, key: str) -> "list[_Table]":
        value = self.get(key, list, f"a list of tables ([[{key}]])") or []
        if not all(isinstance(item, dict) for item in value):
            message = f"{self.where(key)} is no list of tables ([[{key}]])"
            raise ValueError(message)
        return [_Table(item, f"{self.where(key)}[{number}]", self.path) for number, item in enumerate(value)]

    def close(self) -> None:
        for key in self.data:
            if key not in self.asked:
                near = difflib.get_close_matches(key, sorted(self.asked), n=1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(self.asked))}"
                message = f"there is no key {self.where(key)}; {hint}"
                raise ValueError(message)


def _policy(top: _Table, sha256: str) -> Policy:
    if top.number("version", 0, 1, 1) != 1:
        message = "version is missing: write version = 1"
        raise ValueError(message)
    signers = tuple(_signer(table) for table in top.tables("signer"))
    builders = tuple(_builder(table) for table in top.tables("builder"))
    policy = Policy(
        sha256=sha256,
        signers=signers,
        builders=builders,
        trust_root=_section(top, "trust-root", _trust_root),
        provenance=_section(top, "provenance", _provenance),
        vsa=_section(top, "vsa", _summary),
        **(_section(top, "signatures", _signatures) or {}),
        **_statements(top),
        **(_section(top, "tests", _tests) or {}),
        **_audit(top),
    )
    top.close()
    _agree(policy)
    return policy


def _section(top: _Table, key: str, read: Callable[[_Table], _T]) -> _T | None:
    table = top.table(key)
    if table is None:
        return None
    value = read(table)
    table.close()
    return value


def _signer(table: _Table) -> Signer:
    name = table.must("name")
    pem, file = table.text("key"), table.text("key-file")
    identity, issuer = table.text("identity"), table.text("issuer")
    ways = [pem is not None, file is not None, identity is not None]
    if sum(ways) != 1:
        message = f"{table.name} ({name}) has to have one of key, key-file, and identity with issuer"
        raise ValueError(message)
    if (identity is None) != (issuer is None):
        message = f"{table.name} ({name}): identity and issuer belong together, since an identity means nothing without who vouches for it"
        raise ValueError(message)
    key = None if pem is None else pem.encode()
    if file is not None:
        key = _beside(table, "key-file", file, POLICY)
    signer = Signer(
        name,
        _names(table, "statements", table.present("statements", table.texts("statements"))),
        key,
        identity,
        issuer,
        table.moment("not-before"),
        table.moment("not-after"),
        table.text("revoked"),
    )
    if signer.not_before and signer.not_after and signer.not_before >= signer.not_after:
        message = f"{table.name} ({name}): not-after is not later than not-before"
        raise ValueError(message)
    table.close()
    return signer


def _beside(table: _Table, key: str, name: str, limit: Limit) -> bytes:
    path = table.path.parent / name
    try:
        return regular_file.read(path, limit)
    except (OSError, ValueError) as error:
        message = f"{table.where(key)}: {path} {_unreadable(error)}"
        raise ValueError(message) from error


def _unreadable(error: OSError | ValueError) -> str:
    # A ValueError is a name with a null character in it.
    return f"can't be read: {error.strerror if isinstance(error, OSError) else error}"


def _builder(table: _Table) -> Builder:
    builder = Builder(
        table.must("id"),
        table.present("signers", table.texts("signers")),
        table.present("level", table.number("level", None, 0, _HIGHEST_LEVEL)),
    )
    if builder.id == LOCAL_BUILDER and builder.level > 1:
        message = f"{table.where('level')} is {builder.level}, but a local build never exceeds level 1: nobody vouches for its machine"
        raise ValueError(message)
    table.close()
    return builder


def _trust_root(table: _Table) -> TrustRoot:
    data = _beside(table, "file", table.must("file"), TRUST_ROOT)
    wanted = _sha256(table, "sha256", table.must("sha256"))
    found = hashlib.sha256(data).hexdigest()
    if found != wanted:
        message = f"the trust root {table.data['file']} has the sha256 {found}, where the policy pins {wanted}"
        raise ValueError(message)
    return TrustRoot(data, found)


def _provenance(table: _Table) -> Provenance:
    provenance = Provenance(
        table.must("build-type"),
        table.must("source"),
        table.present("attributes", table.texts("attributes")),
        table.number("minimum-level", 0, 0, _HIGHEST_LEVEL),
        table.texts("revisions") or (),
        table.text("minimum-revision"),
        table.moment("minimum-date"),
    )
    for revision in (*provenance.revisions, provenance.minimum_revision):
        if revision is not None and not REVISION.fullmatch(revision):
            message = f"{table.name}: {revision!r} is no full revision (40 or 64 hexadecimal digits)"
            raise ValueError(message)
    return provenance


def _summary(table: _Table) -> Summary:
    return Summary(
        table.must("verifier"),
        table.must("resource"),
        table.number("minimum-level", 0, 0, _HIGHEST_LEVEL),
        table.number("minimum-dependency-level", None, 0, _HIGHEST_LEVEL),
        _sha256(table, "policy-sha256", table.text("policy-sha256")),
        table.number("maximum-age", None, 0, 36500),
    )


def _sha256(table: _Table, key: str, value: str | None) -> str | None:
    if value is not None and not _HEX64.fullmatch(value):
        message = f"{table.where(key)} is {value!r}, where 64 hexadecimal digits belong"
        raise ValueError(message)
    return value


def _signatures(table: _Table) -> dict[str, Any]:
    return {
        "threshold": table.number("threshold", 1, 1, 100),
        "log_entry": bool(table.get("log-entry", bool, "true or false")),
    }


def _names(table: _Table, key: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of statements as they came. Raises ValueError for one that there is not."""
    names_of = {uri: name for name, uri in PREDICATES.items()}
    for name in names:
        if name in names_of:
            message = f"{table.where(key)}: {name} has a name here: write {names_of[name]}"
            raise ValueError(message)
        if name not in PREDICATES and name != SIGNATURE and ":" not in name:
            near = difflib.get_close_matches(name, [*PREDICATES, SIGNATURE], n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join([*PREDICATES, SIGNATURE])} and URIs"
            message = f"{table.where(key)}: there is no statement {name!r}; {hint}"
            raise ValueError(message)
    return names


def _statements(top: _Table) -> dict[str, Any]:
    table = top.table("statements")
    if table is None:
        message = "statements.required is missing: say which statements there must be"
        raise ValueError(message)
    required = _names(table, "required", table.present("required", table.texts("required")))
    allowed = _names(table, "also-allowed", table.texts("also-allowed") or ())
    for name in set(_OWN_RULES) & set(allowed):
        message = f"{table.where('also-allowed')}: {name} is judged by rules of its own; name it in statements.required"
        raise ValueError(message)
    for name in required:
        if near := [known for known, uri in PREDICATES.items() if name.startswith(f"{_VERSION.sub('', uri)}/")]:
            message = f"{table.where('required')}: {name} is of a version that is not judged; write {near[0]} for the one that is"
            raise ValueError(message)
    if not required:
        message = "statements.required is empty, so nothing would be shown"
        raise ValueError(message)
    closure = table.text("closure") or REQUIRED
    if closure not in (REQUIRED, IGNORED):
        message = f"{table.where('closure')} is {closure!r}, where {REQUIRED} or {IGNORED} belongs"
        raise ValueError(message)
    table.close()
    return {"required": required, "also_allowed": allowed, "closure": closure}


def _tests(table: _Table) -> dict[str, Any]:
    warned = table.get("allow-warned", bool, "true or false")
    return {
        "required_tests": table.texts("required") or (),
        "accepted_results": ("PASSED", "WARNED") if warned else ("PASSED",),
    }


def _audit(top: _Table) -> dict[str, Any]:
    tables = {name: top.data[name] for name in _AUDIT if name in top.data}
    top.asked.update(_AUDIT)
    if not tables:
        return {}
    from cloche.verify import auditing  # noqa: PLC0415 - what audits takes a while to import

    return {"audit": auditing.policy(tables, "policy"), "audited": tuple(tables)}


def _agree(policy: Policy) -> None:
    """Refuse what contradicts itself, or asks for nothing that could be shown."""
    for complaint in _contradictions(policy):
        raise ValueError(complaint)


def _contradictions(policy: Policy) -> list[str]:  # noqa: C901, PLR0912 - a list of rules
    found = []
    names = [signer.name for signer in policy.signers]
    if not names:
        found.append("there is no [[signer]], so nothing could be accepted")
    if len(set(names)) != len(names):
        found.append("two signers have one name")
    by_identity = [signer for signer in policy.signers if signer.identity]
    pairs = [(signer.identity, signer.issuer) for signer in by_identity]
    if len(set(pairs)) != len(pairs):
        found.append("two signers have one identity and issuer, so a threshold would count it twice")
    if by_identity and policy.trust_root is None:
        found.append(f"the signer {by_identity[0].name} is an identity, and [trust-root] is missing")
    keys = [signer.name for signer in policy.signers if signer.key is not None]
    if policy.log_entry and keys:
        found.append(
            f"signatures.log-entry is required, and the signer {keys[0]} is a key, whose signatures are accepted without one"
        )
    usable = [signer for signer in policy.signers if signer.revoked is None]
    if policy.threshold > len(usable):
        found.append(
            f"signatures.threshold is {policy.threshold}, and there are {len(usable)} signers that are not revoked"
        )
    found += [
        f"statements.required names {name}, and of the signers that are not revoked {count or 'none'} may sign it, where {policy.threshold} must (signer.statements)"
        for name in policy.required
        if (count := sum(name in signer.statements for signer in usable)) < policy.threshold
    ]
    wanted = {*policy.required, *policy.also_allowed}
    if "provenance" in wanted:
        if policy.provenance is None:
            found.append("provenance is among the statements, and [provenance] does not say which to accept")
        if not policy.builders:
            found.append("provenance is among the statements, and there is no [[builder]]")
    if "vsa" in wanted and policy.vsa is None:
        found.append("vsa is among the statements, and [vsa] does not say which to accept")
    for builder in policy.builders:
        found += [
            f"the builder {builder.id} names the signer {name!r}, and there is none"
            for name in builder.signers
            if name not in names
        ]
        found += [
            f"the builder {builder.id} names the signer {signer.name!r}, who may not sign provenance (signer.statements)"
            for signer in policy.signers
            if signer.name in builder.signers and "provenance" not in signer.statements
        ]
    for given, section, name in (
        (policy.provenance, "provenance", "provenance"),
        (policy.builders, "builder", "provenance"),
        (policy.vsa, "vsa", "vsa"),
        (policy.required_tests, "tests", "test-result"),
        ("licenses" in policy.audited, "licenses", "sbom"),
        ("vulnerabilities" in policy.audited, "vulnerabilities", "sbom"),
    ):
        if given and name not in policy.required:
            found.append(f"[{section}] asks something of the statement {name}, which statements.required does not name")
    if "ignore" in policy.audited and "vulnerabilities" not in policy.audited:
        found.append("[[ignore]] is about vulnerabilities, and there is no [vulnerabilities]")
    if set(policy.required) & set(policy.also_allowed):
        found.append("a statement is both in statements.required and in statements.also-allowed")
    return found
