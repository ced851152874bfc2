"""One target per parser of foreign bytes: it returns a value, or raises one of the library's own errors.

The ordinary suite gives each target what was once found, which is kept in tests/corpus (test_fuzz.py), and fuzzing.py goes
on from there.
"""

import atexit
import base64
import io
import json
import os
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

CORPUS = Path(__file__).parent / "corpus"
Parser = Callable[[bytes], object]


@dataclass(frozen=True)
class Target:
    """A parser, made when it is asked for (atheris counts what is imported then), and inputs that it reads."""

    make: Callable[[], Parser]
    seeds: Callable[[], Iterable[bytes]]
    # What its inputs are written in: json or toml, whose values are exchanged too; else its bytes are.
    form: str = ""


def run(parser: Parser, data: bytes) -> str:
    """Return what became of an input, `read` or the name of an error; an exception that nobody documented comes through."""
    from cloche.attest.outcome import Refused
    from cloche.environment.wheel import BadWheelError
    from cloche.errors import ClocheError
    from cloche.store.derivation import BadDerivationError

    try:
        parser(data)
    except (ClocheError, Refused, BadDerivationError, BadWheelError) as error:
        return type(error).__name__
    return "read"


@cache
def _folder() -> Path:
    """Return a folder of this process, which goes with it; libFuzzer's goes with what started it."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz."))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _of_file(name: str, read: Callable[[Path], object]) -> Parser:
    """Return the parser of a file's content."""
    path = _folder() / name

    def parser(data: bytes) -> object:
        path.write_bytes(data)
        return read(path)

    return parser


def _json(*values: Any) -> Callable[[], list[bytes]]:  # noqa: ANN401 - JSON is of any shape
    return lambda: [json.dumps(value).encode() for value in values]


def _texts(*texts: str) -> Callable[[], list[bytes]]:
    return lambda: [text.encode() for text in texts]


# Archives.


def _zip(**files: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return stream.getvalue()


def _tar(mode: str, *members: tarfile.TarInfo) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:  # type: ignore[call-overload]
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return stream.getvalue()


def _member(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.size, found.type, found.linkname = size, kind, link
    return found


def _make_zip() -> Parser:
    from cloche.untrusted.archive import check_zip

    def read(path: Path) -> object:
        if problems := check_zip(path):
            return problems
        # What is called sound, the standard library reads as well, and finds the same.
        try:
            with zipfile.ZipFile(path) as archive:
                return [(info.filename, info.file_size, archive.read(info)) for info in archive.infolist()]
        except (zipfile.BadZipFile, zipfile.zlib.error):  # type: ignore[attr-defined] # damaged data, which each reader sees
            return []

    return _of_file("a.whl", read)


def _make_tar() -> Parser:
    from cloche.lock.sdist import read_sdist

    return _of_file("a.tar.gz", lambda path: read_sdist(path, "a-1.tar.gz"))


def _tars() -> list[bytes]:
    members = (
        _member("a-1/", kind=tarfile.DIRTYPE),
        _member("a-1/PKG-INFO", 30),
        _member("a-1/l", kind=tarfile.SYMTYPE, link="PKG-INFO"),
        _member("a-1/h", kind=tarfile.LNKTYPE, link="a-1/PKG-INFO"),
        _member(f"a-1/{'n' * 120}", 5),
    )
    return [_tar("w:", *members), _tar("w:gz", *members), _tar("w:xz", *members[:2]), _tar("w:bz2", *members[:2])]


def _make_wheel() -> Parser:
    """Return the parser of RECORD, which is compared with a wheel's names before the wheel is unpacked."""
    from installer.exceptions import InstallerError
    from installer.sources import WheelFile

    from cloche.environment.wheel import BadWheelError, check_record

    def parser(record: bytes) -> object:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            for name, text in {
                "a.py": b"",
                "a-1.dist-info/WHEEL": b"Wheel-Version: 1.0\n",
                "a-1.dist-info/RECORD": record,
            }.items():
                archive.writestr(zipfile.ZipInfo(name), text)
        with zipfile.ZipFile(stream) as archive:
            archive.filename = "a-1-py3-none-any.whl"
            try:
                check_record(WheelFile(archive), archive.namelist())
            except (InstallerError, ValueError, KeyError) as error:
                # As cloche.environment.wheel.main says it.
                raise BadWheelError(str(error)) from error
        return None

    return parser


def _make_metadata() -> Parser:
    from cloche.lock.metadata import parse_metadata

    return parse_metadata


# Lock files.


def _make_lock() -> Parser:
    from cloche.lock.model import read_lock

    return _of_file("cloche.lock", lambda path: read_lock(path).dumps())


def _make_uv() -> Parser:
    from cloche.lock.uv import read_uv_lock

    return _of_file("uv.lock", lambda path: read_uv_lock(path, {}))


def _make_poetry() -> Parser:
    from cloche.lock.poetry import read_poetry_lock

    return _of_file("poetry.lock", read_poetry_lock)


def _make_pylock() -> Parser:
    from cloche.lock.pylock import read_pylock

    return _of_file("pylock.toml", read_pylock)


def _make_requirements() -> Parser:
    from cloche.lock.requirements import is_pinned, read_requirements

    return _of_file("requirements.txt", lambda path: is_pinned(path) and read_requirements(path))


def _make_project() -> Parser:
    from cloche.lock.project import read_project, refuse_direct_sources
    from cloche.lock.uv import overridden_names

    def read(path: Path) -> object:
        project = read_project(path.parent)
        refuse_direct_sources(project)
        return overridden_names(project.uv)

    return _of_file("pyproject.toml", read)


def _make_index(kind: str) -> Callable[[], Parser]:
    def make() -> Parser:
        from cloche.lock.index import files_of

        return lambda data: files_of("https://index.example/simple/a/", data, "utf-8", kind)

    return make


_HASH = "ab" * 32
_PACKAGE = {
    "version": "1",
    "file": "a-1-py3-none-any.whl",
    "sha256": _HASH,
    "size": 1,
    "dependencies": [],
    "license": "MIT",
}
_BUILD = {"backend": "b", "requires": ["b"], "packages": {"b": _PACKAGE}}
_LOCK = {
    "version": 1,
    "project": "demo",
    "requires-python": ">=3.11",
    "made-from": {"pyproject.toml": _HASH},
    "sdists": [],
    "roles": [],
    "environments": {
        "x86_64-linux": {
            "3.11": {"groups": {"default": ["a"]}, "packages": {"a": _PACKAGE}, "builds": {"a==1": _BUILD}}
        }
    },
}
_UV = f"""version = 1
requires-python = ">=3.11"

[[package]]
name = "a"
version = "1"
source = {{ registry = "https://index.example/simple" }}
dependencies = [{{ name = "b", version = "2", extra = ["c"], marker = "sys_platform == 'linux'" }}]
sdist = {{ url = "https://index.example/a-1.tar.gz", hash = "sha256:{_HASH}", size = 1 }}
wheels = [{{ url = "https://index.example/a-1-py3-none-any.whl", hash = "sha256:{_HASH}", size = 1 }}]

[package.optional-dependencies]
d = [{{ name = "e" }}]
"""
_POETRY = f"""[[package]]
name = "a"
version = "1"
optional = false
python-versions = ">=3.8"
groups = ["main"]
markers = "python_version >= \\"3.8\\""
files = [{{file = "a-1-py3-none-any.whl", hash = "sha256:{_HASH}"}}]

[package.dependencies]
b = {{version = ">=1,<2", markers = "extra == 'x'", optional = true}}
c = "^1.2"

[package.extras]
x = ["b (>=1)"]

[metadata]
lock-version = "2.1"
python-versions = ">=3.11"
content-hash = "{_HASH}"
"""
_PYLOCK = f"""lock-version = "1.0"
created-by = "uv"
requires-python = ">=3.11"

[[packages]]
name = "a"
version = "1"
marker = "os_name == 'posix'"
wheels = [{{ url = "https://index.example/a-1-py3-none-any.whl", size = 1, hashes = {{ sha256 = "{_HASH}" }} }}]
"""
_PROJECT = """[project]
name = "demo"
version = "1"
requires-python = ">=3.11"
dependencies = ["a>=1; sys_platform == 'linux'"]
[project.optional-dependencies]
x = ["b[c]~=1.0"]
[dependency-groups]
test = ["pytest", {include-group = "dev"}]
dev = []
[build-system]
requires = ["poetry-core>=2.0"]
build-backend = "poetry.core.masonry.api"
[tool.poetry.dependencies]
python = "^3.11"
[tool.cloche]
build-requires = { a = ["b"] }
"""
_METADATA = """Metadata-Version: 2.4
Name: a
Version: 1
Requires-Python: >=3.8, !=3.9.*
Requires-Dist: b[c]>=1 ; extra == "x"
Requires-Dist: depz (>=0.1)
License: BSD
License-Expression: MIT OR Apache-2.0
Classifier: License :: OSI Approved :: MIT License

Text.
"""
_HTML = f"""<!DOCTYPE html><html><head><base href="../"></head><body>
<a href="a-1-py3-none-any.whl#sha256={_HASH}" data-requires-python="&gt;=3.8" data-core-metadata="sha256={_HASH}">a-1-py3-none-any.whl</a>
<a href="https://index.example/a-1.tar.gz" data-yanked="no">a-1.tar.gz</a></body></html>"""
_PAGE = {
    "meta": {"api-version": "1.1"},
    "name": "a",
    "files": [
        {
            "filename": "a-1-py3-none-any.whl",
            "url": "a-1-py3-none-any.whl",
            "hashes": {"sha256": _HASH},
            "size": 1,
            "requires-python": ">=3.8",
            "core-metadata": {"sha256": _HASH},
            "yanked": False,
        }
    ],
}

# Results of tests and experiments.


def _make_junit() -> Parser:
    from cloche.telemetry.sources import About, read_junit

    return _of_file("junit.xml", lambda path: list(read_junit(path, About("demo", 0))))


def _make_outcomes() -> Parser:
    from cloche.selection.impact.results import failed

    return _of_file("outcomes", failed)


def _make_lines() -> Parser:
    from cloche.telemetry.sources import About, read_lines

    return _of_file("telemetry.jsonl", lambda path: list(read_lines(path, About("demo", 0))))


def _make_history(name: str) -> Callable[[], Parser]:
    def make() -> Parser:
        from cloche.telemetry.histories import read_history
        from cloche.telemetry.sources import About

        return _of_file(name, lambda path: list(read_history(path, About("demo", 0))))

    return make


def _make_result(name: str) -> Callable[[], Parser]:
    def make() -> Parser:
        from cloche.results.readers import read

        return _of_file(name, read)

    return make


def _make_map() -> Parser:
    from cloche.selection.impact.map import load

    return _of_file("map.json", load)


def _make_matrix() -> Parser:
    from cloche.selection.mutants.matrix import load

    return _of_file("kills.jsonl", load)


def _make_rows() -> Parser:
    from cloche.selection.learned.rows import read

    return _of_file("rows.jsonl", read)


def _make_figures() -> Parser:
    from cloche.performance.by_hand import runs

    return _of_file("figures.json", lambda path: runs(path, None))


def _make_rules() -> Parser:
    from cloche.regression.rules import load

    return _of_file("rules.toml", load)


def _npz(*, pickled: bool = False) -> bytes:
    import numpy as np

    stream = io.BytesIO()
    fields = np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")])
    more = {"o": np.array([None])} if pickled else {}
    np.savez(stream, x=np.arange(6.0).reshape(2, 3), y=fields, s=np.array(["text"]), allow_pickle=True, **more)
    return stream.getvalue()


def _npy() -> bytes:
    import numpy as np

    stream = io.BytesIO()
    np.save(stream, np.arange(6.0))
    return stream.getvalue()


def _parquet() -> list[bytes]:
    import duckdb

    path = _folder() / "seed.parquet"
    with duckdb.connect(":memory:") as connection:
        table = 'SELECT \'t\' AS "Name", 1 AS "Verdict", 0.5::DOUBLE AS "Duration", \'2026-01-01\' AS "LastRun", 1 AS "BuildId"'
        connection.execute(f"COPY ({table}) TO '{path}' (FORMAT parquet)")
    return [path.read_bytes()]


_JUNIT = """<?xml version="1.0"?><testsuites><testsuite name="pytest" tests="3" errors="0" failures="1" skipped="1" time="0.5"
timestamp="2026-01-31T12:00:00+00:00"><testcase classname="tests.test_a.TestB" name="test_c[1]" time="0.1"/>
<testcase classname="tests.test_a" name="test_d" time="2,120.5"><failure message="m">words</failure></testcase>
<testcase classname="tests.test_a" name="test_e" file="tests/test_a.py" time="0"><skipped type="pytest.xfail"/></testcase>
</testsuite></testsuites>"""
_LINES = "\n".join(
    json.dumps(entry)
    for entry in (
        {"kind": "run", "version": 1, "run": "r", "at": 1, "environment": {"python": "3.11"}, "commit": None},
        {"kind": "execution", "test": "t.py::a", "file": "t.py", "outcome": "passed", "at": 2, "duration": 0.5},
        {"kind": "end", "at": 3, "executions": 1},
    )
)
_HISTORY = "Name;Verdict;Duration;LastRun;BuildId\nt;1;0.5;2026-01-01 12:00:00;1\nu;0;1,200.5;2026-01-01;2\n"
_RULES = """[[rule]]
path = "x.*"
relative = 1e-6
[[waiver]]
path = "y"
reason = "known"
expires = 2027-01-01
"""
_MAP = {
    "tests": [["t.py::a", "passed"]],
    "statements": [["m.py", ["h"]]],
    "functions": {
        "m.py::f": {"tests": [0], "import": [0], "hash": "h", "shared": False, "steps": [["h", -1, None, [0]]]}
    },
    "modules": {"m.py": {"file": "h", "statements": [["k", "h", ["n"]]]}},
    "files": {"d.txt": {"tests": [0], "import": []}},
    "reads": {"m.py": {"n": {"tests": [0], "import": []}}},
    "evaluated": {},
    "unwatched": [],
    "unmeasured": {"why": {"tests": [0], "import": []}},
    "programs": {"tests": [], "import": []},
    "packages": {"a": ["a"]},
}

_KILLS = "\n".join(
    json.dumps(entry)
    for entry in (
        {"version": 1, "facts": {}, "sites": {"function": 3}, "seed": 1},
        {"tests": [["t.py::a", "passed", 0.5]], "flaky": [], "wall": 1.0, "fixed": 0.5, "processor": 1.0},
        {
            "outcome": "failed",
            "failed": ["t.py::a"],
            "broken": [],
            "missing": 0,
            "wall": 1.0,
            "processor": 1.0,
            "mutant": {
                "file": "m.py",
                "begin": 0,
                "end": 1,
                "line": 1,
                "operator": "o",
                "old": "a",
                "new": "b",
                "stratum": "function",
                "where": "f",
            },
        },
    )
)


def _rows() -> list[bytes]:
    from cloche.selection.learned.observation import TEST
    from cloche.selection.learned.parts import PAIRS
    from cloche.selection.learned.rows import BY_FILE, CHANGE, VERSION, digest_of

    suite = {"version": VERSION, "tests": ["t.py::a", "t.py::b"], **{name: [1, 2] for name in TEST}}
    row = {
        "version": VERSION,
        "suite": digest_of(suite),
        "project": "demo",
        "origin": "mutant",
        "at": 1,
        "group": "g",
        "kinds": {"assign": 1},
        "files": ["m.py"],
        "change": dict.fromkeys(CHANGE, 1),
        "pairs": {name: [[0], [0.5]] for name in PAIRS},
        "by_file": {name: [1.0] for name in BY_FILE},
        "everything": None,
        "candidates": [[0, 1]],
        "always": [],
        "failed": [1],
        "stratum": "function",
        "operator": "o",
        "weight": 1.0,
        "decision": None,
    }
    return [b"".join(json.dumps(line).encode() + b"\n" for line in ({"suite": digest_of(suite), "is": suite}, row))]


def _maps() -> list[bytes]:
    from cloche.selection.impact.recording import VERSION

    return [json.dumps({"version": VERSION, **_MAP}).encode()]


# Evidence.


def _make_json() -> Parser:
    from cloche.untrusted.limits import BUNDLE
    from cloche.untrusted.strict_json import loads

    def parser(data: bytes) -> object:
        value = loads(data, what="a.json", limit=BUNDLE)
        # Whatever is read can be written again, in UTF-8.
        return json.dumps(value, ensure_ascii=False).encode()

    return parser


def _make_yaml() -> Parser:
    from cloche.audit.feed import read

    return lambda data: read(data, what="a.yaml", as_yaml=True)


def _make_osv() -> Parser:
    from cloche.audit.feed import read
    from cloche.audit.match import affects, fixed_in
    from cloche.audit.severity import rate

    def parser(data: bytes) -> object:
        found = read(data, what="a.json")
        rate(list(found.severities))
        return [(affects(part, "1.2"), fixed_in(part, "1.2"), rate(list(part.severities))) for part in found.affected]

    return parser


def _make_sbom() -> Parser:
    from cloche.audit.components import read

    return lambda data: read(data, what="sbom.json")


def _make_evidence() -> Parser:
    from cloche.attest.envelope import read

    return lambda data: read(data, "a.sigstore.json")


def _make_statement() -> Parser:
    from cloche.attest.statements import parse

    return lambda data: parse(data, what="a.json")


def _make_bundle() -> Parser:
    """Return the parser of a bundle with a certificate: sigstore's library, as `verify` calls it."""
    from importlib import resources

    from cloche.attest.artifact import Artifact, Kind
    from cloche.attest.envelope import read
    from cloche.verify.identity import Identities
    from cloche.verify.policy import Signer, TrustRoot

    store = resources.files("sigstore") / "_store"
    root = next(place / "trusted_root.json" for place in store.iterdir() if place.name.endswith("sigstore.dev"))
    signer = Signer("s", ("provenance",), identity="a@b.example", issuer="https://issuer.example")
    identities = Identities([signer], TrustRoot(root.read_bytes(), ""))
    artifact = Artifact(Kind.FILE, "a", "00" * 32, None)

    def parser(data: bytes) -> object:
        found = read(data, "a.sigstore.json")
        return identities.who_signed(found, artifact) if found.certified else None

    return parser


def _make_oci() -> Parser:
    from cloche.attest.artifact import _layers
    from cloche.errors import ClocheError
    from cloche.image.layout import descriptors, index, referrer

    def parser(data: bytes) -> object:
        outcomes: list[object] = []
        for read in (
            lambda: descriptors(data, "a"),
            lambda: referrer(data, "application/vnd.oci.image.manifest.v1+json", "a"),
            lambda: _layers(data, "a"),
            lambda: index([], data),
        ):
            try:
                outcomes.append(read())
            except ClocheError as error:
                outcomes.append(error)
        return outcomes

    return parser


def _make_credentials() -> Parser:
    from cloche.image.descriptor import Reference
    from cloche.image.registry import Registry

    def read(path: Path) -> None:
        # Other tests of this process have files of their own.
        with mock.patch.dict(os.environ, {"REGISTRY_AUTH_FILE": str(path), "HOME": str(path.parent)}):
            Registry(Reference.parse("registry.example/a:1")).close()

    return _of_file("auth.json", read)


def _make_policy() -> Parser:
    from cloche.verify.policy import read

    return _of_file("policy.toml", read)


def _make_audit_policy() -> Parser:
    from cloche.audit.policy import load

    return _of_file("audit.toml", load)


def _make_derivation() -> Parser:
    from cloche.store.derivation import of_file

    return _of_file("a.drv", lambda path: (of_file(path), of_file(path).fixed))


_ENVELOPE = {
    "payload": base64.b64encode(b'{"_type":"x"}').decode(),
    "payloadType": "application/vnd.in-toto+json",
    "signatures": [{"keyid": "k", "sig": "AAAA"}],
}
_MATERIAL: dict[str, Any] = {"publicKey": {"hint": "h"}, "tlogEntries": []}
_BUNDLE = {
    "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
    "verificationMaterial": _MATERIAL,
    "dsseEnvelope": _ENVELOPE,
}
_STATEMENT = {
    "_type": "https://in-toto.io/Statement/v1",
    "subject": [{"name": "a", "digest": {"sha256": _HASH}, "mediaType": "application/x-nix-nar"}],
    "predicateType": "https://slsa.dev/provenance/v1",
    "predicate": {"buildDefinition": {"buildType": "b", "externalParameters": {}, "resolvedDependencies": []}},
}
_OSV = {
    "id": "GHSA-1",
    "modified": "2026-01-01T00:00:00Z",
    "aliases": ["CVE-1"],
    "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "a"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.3"}]}],
            "versions": ["1.2"],
        },
        {
            "package": {"ecosystem": "Debian:12", "name": "b"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"last_affected": "1:2.3-4~rc1"}]}],
        },
    ],
}
_SBOM = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "version": 1,
    "components": [
        {
            "type": "library",
            "bom-ref": "r",
            "name": "a",
            "version": "1",
            "purl": "pkg:pypi/a@1",
            "licenses": [{"license": {"id": "MIT"}}, {"expression": "BSD-3-Clause OR MIT"}],
            "properties": [{"name": "cloche:source", "value": "s"}],
            "components": [
                {"type": "library", "name": "b", "version": "2", "purl": "pkg:deb/debian/b@2?distro=debian-12"}
            ],
        }
    ],
    "dependencies": [{"ref": "r", "dependsOn": ["s"]}],
}
_NAMED = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": f"sha256:{_HASH}", "size": 2}
_MANIFEST = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "artifactType": "application/x",
    "config": _NAMED,
    "layers": [{**_NAMED, "annotations": {"a": "b"}}],
    "subject": _NAMED,
}
_INDEX = {"schemaVersion": 2, "manifests": [{**_NAMED, "platform": {"architecture": "amd64", "os": "linux"}}]}
_AUTH = {"auths": {"registry.example": {"auth": base64.b64encode(b"user:password").decode()}}, "credHelpers": {}}
_POLICY = """version = 1
[[signer]]
name = "release"
key = '''
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
'''
statements = ["provenance", "signature"]
not-before = 2026-01-01T00:00:00Z
[signatures]
threshold = 1
[statements]
required = ["provenance"]
[provenance]
build-type = "https://cloche.example/build-types/nix-flake/v1"
source = "git+https://code.example/lab/demo"
attributes = ["default"]
minimum-date = 2026-01-01T00:00:00Z
[[builder]]
id = "https://b.example"
signers = ["release"]
level = 1
"""
_AUDIT = """[vulnerabilities]
ceiling = "medium"
maximum-age = 30
[licenses]
denied = ["AGPL-3.0-only"]
[[ignore]]
id = "CVE-1"
reason = "known"
expires = 2027-01-01
"""
# Of a key that nobody kept.
_CERTIFICATE = (
    "MIIBRDCB7KADAgECAgEBMAoGCCqGSM49BAMCMAwxCjAIBgNVBAMMAWEwHhcNMjYwMTAxMDAwMDAwWhcNMjcwMTAxMDAwMDAwWjAMMQowCAYDVQQDDAFhMFkw"
    "EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEPstCPV93+UH/HTqNF85IbikvbYkMk1zsUT+qo4dLuKhW+ccrWQ/H6PC+8br7T+sLPZbb6/OiSo9KnXK4GTd0xKM/"
    "MD0wFgYDVR0RBA8wDYELYUBiLmV4YW1wbGUwDgYDVR0PAQH/BAQDAgeAMBMGA1UdJQQMMAoGCCsGAQUFBwMDMAoGCCqGSM49BAMCA0cAMEQCIBD9K2LU7wmD"
    "BBnjCPQevrhbHTLBQYRR2OhNJ5Y44JVXAiAmCd8K0ZEcxrS37QAKnl5guIV7+rHOJo8hXDA4zoQI/g=="
)
_ENTRY = {
    "logIndex": "1",
    "logId": {"keyId": base64.b64encode(b"k" * 32).decode()},
    "kindVersion": {"kind": "dsse", "version": "0.0.1"},
    "integratedTime": "1767225600",
    "inclusionPromise": {"signedEntryTimestamp": "AAAA"},
    "inclusionProof": {
        "logIndex": "1",
        "rootHash": base64.b64encode(b"r" * 32).decode(),
        "treeSize": "2",
        "hashes": [base64.b64encode(b"h" * 32).decode()],
        "checkpoint": {"envelope": "log.example - 1\n2\nAAAA\n\n\u2014 log.example AAAA\n"},
    },
    "canonicalizedBody": base64.b64encode(
        json.dumps(
            {"apiVersion": "0.0.1", "kind": "dsse", "spec": {"payloadHash": {"algorithm": "sha256", "value": _HASH}}}
        ).encode()
    ).decode(),
}
_CERTIFIED = {
    **_BUNDLE,
    "verificationMaterial": {
        "certificate": {"rawBytes": _CERTIFICATE},
        "tlogEntries": [_ENTRY],
        "timestampVerificationData": {"rfc3161Timestamps": []},
    },
}
_SIGNED = {
    "mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.1",
    "verificationMaterial": {
        "x509CertificateChain": {"certificates": [{"rawBytes": _CERTIFICATE}]},
        "tlogEntries": [_ENTRY],
    },
    "messageSignature": {
        "messageDigest": {"algorithm": "SHA2_256", "digest": base64.b64encode(bytes(32)).decode()},
        "signature": "AAAA",
    },
}
_DRV = (
    'Derive([("out","/nix/store/a","r:sha256","ab")],[("/nix/store/b.drv",["out"])],["/nix/store/c"],"x86_64-linux",'
    '"/bin/sh",["-c","exit"],[("__json","{\\"a\\": 1}"),("out","/nix/store/a")])'
)

TARGETS: dict[str, Target] = {
    "audit-policy": Target(_make_audit_policy, _texts(_AUDIT), "toml"),
    "bundle": Target(_make_bundle, _json(_CERTIFIED, _SIGNED), "json"),
    "cloche-lock": Target(_make_lock, _json(_LOCK), "json"),
    "credentials": Target(_make_credentials, _json(_AUTH), "json"),
    "derivation": Target(_make_derivation, _texts(_DRV)),
    "evidence": Target(_make_evidence, _json(_ENVELOPE, _BUNDLE), "json"),
    "figures": Target(_make_figures, _json({"benchmarks": [{"fullname": "b", "stats": {"median": 0.5}}]}), "json"),
    "history-csv": Target(_make_history("h.csv"), _texts(_HISTORY)),
    "history-parquet": Target(_make_history("h.parquet"), _parquet),
    "impact-map": Target(_make_map, _maps, "json"),
    "index-html": Target(_make_index("text/html"), _texts(_HTML)),
    "index-json": Target(_make_index("application/vnd.pypi.simple.v1+json"), _json(_PAGE), "json"),
    "json": Target(_make_json, _json(_BUNDLE, [1e9, -1, "\u00e4", None]), "json"),
    "junit": Target(_make_junit, _texts(_JUNIT)),
    "kill-matrix": Target(_make_matrix, _texts(_KILLS), "json"),
    "metadata": Target(_make_metadata, _texts(_METADATA)),
    "oci": Target(_make_oci, _json(_MANIFEST, _INDEX), "json"),
    "osv": Target(_make_osv, _json(_OSV), "json"),
    "outcomes": Target(_make_outcomes, lambda: [_JUNIT.encode(), b'{"tests": [{"test": "a", "outcome": "failed"}]}']),
    "poetry-lock": Target(_make_poetry, _texts(_POETRY), "toml"),
    "policy": Target(_make_policy, _texts(_POLICY), "toml"),
    "project": Target(_make_project, _texts(_PROJECT), "toml"),
    "pylock": Target(_make_pylock, _texts(_PYLOCK), "toml"),
    "record": Target(
        _make_wheel, _texts(f"a.py,sha256={_HASH},0\na-1.dist-info/WHEEL,sha256={_HASH},19\na-1.dist-info/RECORD,,\n")
    ),
    "requirements": Target(
        _make_requirements, _texts(f"a[b]==1 ; os_name == 'posix' \\\n  --hash=sha256:{_HASH}\n-i x\n")
    ),
    "result-csv": Target(_make_result("r.csv"), _texts('a,b\n1,x\n2.5,"y"\n')),
    "result-json": Target(_make_result("r.json"), _json({"a": [1, 2.5], "b:c": None}, [0.5] * 1001), "json"),
    "result-npz": Target(_make_result("r.npz"), lambda: [_npz(), _npz(pickled=True), _npy()]),
    "result-parquet": Target(_make_result("r.parquet"), _parquet),
    "rules": Target(_make_rules, _texts(_RULES), "toml"),
    "sbom": Target(_make_sbom, _json(_SBOM), "json"),
    "statement": Target(_make_statement, _json(_STATEMENT), "json"),
    "tar": Target(_make_tar, _tars),
    "telemetry-lines": Target(_make_lines, _texts(_LINES + "\n"), "json"),
    "test-rows": Target(_make_rows, _rows, "json"),
    "uv-lock": Target(_make_uv, _texts(_UV), "toml"),
    "yaml": Target(
        _make_yaml, _texts(json.dumps(_OSV), "id: a\nmodified: 2026-01-01T00:00:00Z\naffected: []\n"), "json"
    ),
    "zip": Target(_make_zip, lambda: [_zip(**{"a/b.py": "x" * 99, "a-1.dist-info/RECORD": "a,b,c\n"}), _zip()]),
}
