"""Bring the sources of a lock into the Nix store, with the user's own pip and apt configuration.

Runs outside the sandbox, as the user, on the toolchain's Python. What an index page is, how it is reached, and with
which credentials, is pip's business: the toolchain's pinned pip (its wheel is put on sys.path) reads the user's
configuration, environment and netrc, and parses the pages. So its internals are used, which is sound only because its
version is pinned by hash with the toolchain. An sdist is a file like any other here, and is never executed.

Exit codes: 0 all sources are in the store, 1 a file does not have the lock's hash, 2 bad arguments or lock, 3 an index,
mirror or archive cannot be reached or lacks a file.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import nullcontext
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK = 1 << 20  # bytes
WORKERS = 8
APT_HELPER = "/usr/lib/apt/apt-helper"
# Where distributions keep the certificates of authorities: Debian and the sandbox, Fedora, openSUSE, Alpine.
CERTIFICATES = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
]
TRIES = 3
TOLD = 5
# What every project's build and Cloche's own command line need of Cloche's own lock.
TOOLS = ("default", "builders")
ALLOWED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+._?=-")


class FetchError(Exception):
    """Something that stops a source from entering the store; `code` is the exit code."""

    def __init__(self, message: str, code: int = 3) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Source:
    """One published file: where to look for it, and what it must be."""

    name: str
    version: str
    file: str
    sha256: str
    size: int
    # Debian packages have a path in the pool; files of an index have none.
    pool: str = ""

    @property
    def store_name(self) -> str:
        """The file's name in the store; lib/store-name.nix computes the same."""
        mapped = "".join(letter if letter in ALLOWED else "_" for letter in self.file.encode().decode("latin-1"))
        return (f"_{mapped}" if mapped.startswith(".") else mapped)[-200:]


# --- what is wanted -------------------------------------------------------------------------------------------------


def sources_of_lock(path: Path, systems: list[str], groups: tuple[str, ...] = ()) -> list[Source]:
    """Return the files that the lock names for these systems, build requirements included; all groups', or some."""
    try:
        lock = json.loads(path.read_text(encoding="utf-8"))
        found = []
        for system in systems:
            for environment in lock["environments"].get(system, {}).values():
                names = {name for group in groups for name in environment["groups"][group]}
                packages = environment["packages"].items()
                found += [(name, entry) for name, entry in packages if name in names or not groups]
                for build in environment["builds"].values():
                    found += build["packages"].items()
        return [
            Source(name, entry["version"], _plain(entry["file"], path), entry["sha256"], entry["size"])
            for name, entry in found
        ]
    except OSError as error:
        raise FetchError(f"{path}: cannot be read: {error.strerror}", 2) from None
    except json.JSONDecodeError as error:
        text = (
            f"{path}, line {error.lineno}, column {error.colno}: {error.msg}; make the lock again with 'nix run .#lock'"
        )
        raise FetchError(text, 2) from None
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise FetchError(
            f"{path}: not a lock of this Cloche ({error!r}); make it again with 'nix run .#lock'", 2
        ) from None


def _plain(file: str, origin: Path) -> str:
    if not file or file.startswith(".") or "/" in file or "\\" in file or not file.isprintable():
        raise FetchError(f"{origin}: {file!r} is not a plain file name and could lead out of the environment", 2)
    return file


def roles_of_lock(path: Path, folder: Path) -> list[str]:
    """Return the toolchain's roles that the lock says the configuration uses; `folder` holds their pins."""
    roles = json.loads(path.read_text(encoding="utf-8")).get("roles", [])
    known = sorted(pins.stem for pins in folder.glob("*.json") if pins.stem != "seed")
    for role in roles:
        if role not in known:
            raise FetchError(f"{path}: the toolchain has no role {role!r}; it has {', '.join(known)}", 2)
    return list(roles)


def sources_of_pins(path: Path) -> list[Source]:
    """Return the Debian packages of one of the toolchain's sets."""
    return [
        Source(pin["name"], pin["version"], pin["path"].rsplit("/", 1)[1], pin["sha256"], pin["size"], pin["path"])
        for pin in json.loads(path.read_text(encoding="utf-8"))
    ]


# --- the store ------------------------------------------------------------------------------------------------------


def nix(*arguments: str) -> str:
    """Run one of Nix's commands and return what it prints; its errors go to the user."""
    done = subprocess.run(arguments, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise FetchError(f"`{' '.join(arguments[:4])} ...` ended with {done.returncode} (its words are above)")
    return done.stdout


def store_paths(sources: list[Source], work: Path) -> dict[Source, str]:
    """Return the path that each source has in the store, as Nix itself computes it."""
    # By a file: one argument of a command cannot be longer than 128 KiB.
    wanted = work / "wanted.json"
    wanted.write_text(
        json.dumps([{"name": source.store_name, "hash": source.sha256} for source in sources]), encoding="ascii"
    )
    expression = """{ wanted }: map (file: (derivation {
        inherit (file) name; system = "builtin"; builder = "builtin"; outputHash = file.hash;
        outputHashAlgo = "sha256"; outputHashMode = "flat"; }).outPath) (builtins.fromJSON (builtins.readFile wanted))"""
    command = ["nix-instantiate", "--eval", "--strict", "--json", "--expr", expression]
    paths = json.loads(nix(*command, "--argstr", "wanted", str(wanted)))
    return dict(zip(sources, paths, strict=True))


def missing(paths: dict[Source, str]) -> list[Source]:
    """Return the sources whose path is not a valid one of the store."""
    if not paths:
        return []
    invalid = set(nix("nix-store", "--check-validity", "--print-invalid", *sorted(set(paths.values()))).split())
    return [source for source, path in paths.items() if path in invalid]


def add(files: list[tuple[Source, Path]], work: Path) -> None:
    """Add files whose hash was checked, each under its store name."""
    folder = Path(tempfile.mkdtemp(dir=work))
    named = []
    for index, (source, file) in enumerate(files):
        # Two files may share a name; each gets a folder of its own.
        (folder / str(index)).mkdir()
        target = folder / str(index) / source.store_name
        os.link(file, target)
        named.append(str(target))
    nix("nix-store", "--add-fixed", "sha256", *named)
    shutil.rmtree(folder)


def keep(paths: list[str], roots: Path) -> None:
    """Make the paths garbage collector roots of this lock, in place of those it had before."""
    if roots.is_dir():
        shutil.rmtree(roots)
    roots.mkdir(parents=True)
    for start in range(0, len(paths), 200):
        link = str(roots / f"source-{start}")
        nix("nix-store", "--realise", "--add-root", link, "--indirect", *paths[start : start + 200])


# --- where files come from ------------------------------------------------------------------------------------------


class Index:
    """The user's package indexes, as the pinned pip sees them. One session per thread."""

    def __init__(self) -> None:
        self.local = threading.local()
        # A virtual environment's own pip.conf is found by its prefix; the toolchain's Python has another one.
        sys.prefix = os.environ.get("VIRTUAL_ENV") or os.environ.get("CONDA_PREFIX") or sys.prefix

    def _open(self) -> tuple[Any, Any]:
        if not hasattr(self.local, "opened"):
            from pip._internal.exceptions import PipError

            try:
                self.local.opened = self._start()
            except (PipError, SystemExit) as error:
                raise FetchError(
                    f"pip cannot be started with this configuration (see `pip config list`): {error}"
                ) from None
        opened: tuple[Any, Any] = self.local.opened
        return opened

    @staticmethod
    def _start() -> tuple[Any, Any]:
        import logging

        from pip._internal.commands import create_command

        # pip would warn of every index that lacks a project; what matters is told when all have been asked.
        logging.getLogger("pip").setLevel(logging.ERROR)
        command: Any = create_command("download")
        options, _ = command.parse_args(["--no-input", "--disable-pip-version-check", "--no-cache-dir"])
        # The pinned pip is Debian's, which knows no certificates but the host's, at Debian's place.
        options.cert = options.cert or next(
            filter(os.path.exists, [os.environ.get("NIX_SSL_CERT_FILE", ""), *CERTIFICATES]), None
        )
        command.main_context().__enter__()
        session = command._build_session(options)  # noqa: SLF001
        return session, command._build_package_finder(options, session)  # noqa: SLF001

    def session(self) -> Any:  # noqa: ANN401  pip's own session type
        """Return a session with the user's proxies, certificates and credentials."""
        return self._open()[0]

    def links(self, source: Source) -> Iterator[str]:
        """Yield the addresses of files that have the source's name, in the order of the user's indexes."""
        from pip._internal.index.collector import parse_links

        _, finder = self._open()
        collector = finder._link_collector  # noqa: SLF001

        def links_of_page(address: Any) -> list[Any]:  # noqa: ANN401  pip's Link
            page = collector.fetch_response(address)
            return [] if page is None else list(parse_links(page))

        found = collector.collect_sources(source.name, candidates_from_page=links_of_page)
        for place in [*found.index_urls, *found.find_links]:
            if place is None:
                continue
            for link in [*place.page_candidates(), *place.file_links()]:
                other = link.hash_name == "sha256" and link.hash != source.sha256
                if link.filename == source.file and not other:
                    yield link.url_without_fragment

    def configured(self) -> str:
        """Return how many indexes and find-links there are, without naming them: addresses can hold passwords."""
        _, finder = self._open()
        collector = finder._link_collector  # noqa: SLF001
        return f"{len(collector.search_scope.index_urls)} indexes and {len(collector.find_links)} find-links of pip's configuration"


def download(index: Index, url: str, source: Source, target: Path) -> str:
    """Bring one file to `target`, going on where an earlier try stopped; return its sha256.

    Raise OSError (as all of requests' errors are) when the connection ends before the file does.
    """
    partial = target.with_suffix(".part")
    have = partial.stat().st_size if partial.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    response = index.session().get(url, headers=headers, stream=True)
    if response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        # The part is as long as the file, or longer.
        partial.unlink()
        return download(index, url, source, target)
    response.raise_for_status()
    resumed = response.status_code == HTTPStatus.PARTIAL_CONTENT
    expected = int(response.headers.get("Content-Length", 0)) + (have if resumed else 0)
    with partial.open("ab" if resumed else "wb") as file:
        for chunk in response.iter_content(CHUNK):
            file.write(chunk)
    size = partial.stat().st_size
    # A server that does not say how long its answer is leaves only the lock's word.
    if size < (expected or source.size):
        raise OSError(f"the connection ended after {size} of {expected or source.size} bytes")
    digest = file_digest(partial)
    if resumed and digest != source.sha256:
        # What an earlier try left may be of another file; the whole one is judged.
        partial.unlink()
        return download(index, url, source, target)
    partial.replace(target)
    return digest


def file_digest(path: Path) -> str:
    """Return the sha256 of a file's bytes in hexadecimal."""
    digest = sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def copy_from(archive: str, source: Source, target: Path) -> Path:
    """Copy one file out of a folder that `vendor` made."""
    stored = Path(archive, "sha256", source.sha256)
    if not stored.exists():
        raise FetchError(
            f"{source.file} ({source.sha256}) is not in the archive {archive}; make it again with 'nix run .#vendor'"
        )
    shutil.copyfile(stored, target)
    digest = file_digest(target)
    if digest != source.sha256:
        raise _wrong(source, target, digest, str(stored))
    return target


def fetch_one(index: Index, archive: str, source: Source, folder: Path) -> Path:
    """Bring one file from the archive or the index into `folder`; raise FetchError when it is not what the lock says."""
    target = folder / source.sha256
    if target.exists() and file_digest(target) == source.sha256:
        return target  # by a call that was interrupted
    if archive and "://" not in archive:
        return copy_from(archive, source, target)
    tried: list[str] = []
    wrong: FetchError | None = None
    origin = "the archive" if archive else "the index"
    for url in [f"{archive.rstrip('/')}/sha256/{source.sha256}"] if archive else index.links(source):
        for _ in range(TRIES):
            try:
                digest = download(index, url, source, target)
            except OSError as error:
                tried.append(f"{type(error).__name__}: {_without_secrets(str(error))}")
                continue
            if digest == source.sha256:
                return target
            # Another index may have the right one.
            wrong = _wrong(source, target, digest, origin)
            break
    if wrong:
        raise wrong
    if tried:
        raise FetchError(f"{source.file}: could not be downloaded from {origin}:\n  " + "\n  ".join(tried))
    raise FetchError(
        f"{source.file}: none of the {index.configured()} answers with a file of this name (and hash) for {source.name};\n"
        "check `pip config list`, or set CLOCHE_SOURCES to an archive made by 'nix run .#vendor'"
    )


def _without_secrets(text: str) -> str:
    return re.sub(r"(https?://)[^/\s'\"]*@", r"\1", text)


def _wrong(source: Source, file: Path, digest: str, origin: str) -> FetchError:
    """Remove a file that is not what the lock says, and return the error that tells of it."""
    size = file.stat().st_size
    file.unlink()
    return FetchError(
        f"{source.file}: {origin} gave a file of {size} bytes with sha256 {digest},\nbut the lock says "
        f"{source.sha256}; it was not added. If the file was published again under the same name, which should\n"
        "not happen, look into it before you run 'nix run .#lock -- --upgrade'.",
        1,
    )


def fetch_debian(sources: list[Source], folder: Path) -> None:
    """Bring Debian packages through apt's own helper: its mirrors, proxies, credentials and hash check."""
    if not os.access(APT_HELPER, os.X_OK):
        raise FetchError(
            f"{len(sources)} Debian packages are missing ({sources[0].file}, ...) and this machine has no apt;\n"
            "set CLOCHE_SOURCES to an archive made by 'nix run .#vendor' on another machine"
        )
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Component: main"],
        check=True,
        capture_output=True,
        text=True,
    )
    mirrors = sorted({uri for uri in listed.stdout.split() if uri.rstrip("/").endswith("/debian")})
    words = "apt on this machine has no Debian mirror configured (no source whose address ends in /debian)"
    for mirror in mirrors:
        left = [source for source in sources if not (folder / source.sha256).exists()]
        arguments = [
            word
            for source in left
            for word in (f"{mirror.rstrip('/')}/{source.pool}", str(folder / source.sha256), f"SHA256:{source.sha256}")
        ]
        for start in range(0, len(arguments), 90):
            done = subprocess.run(
                [
                    APT_HELPER,
                    "-o",
                    "APT::Sandbox::User=",
                    "-o",
                    "Acquire::Retries=3",
                    "download-file",
                    *arguments[start : start + 90],
                ],
                check=False,
                capture_output=True,
                text=True,
            )
            words = done.stderr or words
    for source in sources:
        if not (folder / source.sha256).exists():
            raise FetchError(f"{source.pool}: apt could not bring it:\n{words.strip()}")


# --- the verbs ------------------------------------------------------------------------------------------------------


def bring(sources: list[Source], archive: str, work: Path, *, into_store: bool = True) -> None:
    """Bring all these sources; each enters the store as soon as it is there and checked."""
    index, failures = Index(), []
    debian = [source for source in sources if source.pool and not archive]
    rest = [source for source in sources if source not in debian]
    total = sum(source.size for source in sources)
    print(f"cloche: fetching {len(sources)} files, {total / 1e6:.1f} MB", file=sys.stderr)
    with progress(total) as advance, ThreadPoolExecutor(WORKERS) as pool:
        jobs: dict[Future[Any], list[Source]] = {}
        if debian:
            jobs[pool.submit(fetch_debian, debian, work)] = debian
        # The largest first, so that none of them is left alone at the end.
        for source in sorted(rest, key=lambda source: -source.size):
            jobs[pool.submit(fetch_one, index, archive, source, work)] = [source]
        ready: list[tuple[Source, Path]] = []
        for job in as_completed(jobs):
            try:
                job.result()
            except FetchError as error:
                failures.append(error)
                continue
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
            ready += [(source, work / source.sha256) for source in jobs[job]]
            advance(sum(source.size for source in jobs[job]))
            if into_store and (len(ready) >= 16 or sum(source.size for source, _ in ready) > 1 << 26):  # noqa: PLR2004
                add(ready, work)
                ready = []
        if into_store and ready:
            add(ready, work)
    if failures:
        # A wrong file is told before a missing one.
        failures.sort(key=lambda failure: failure.code)
        more = [f"... and {len(failures) - TOLD} more of {len(sources)}"] if len(failures) > TOLD else []
        raise FetchError("\n".join([*map(str, failures[:TOLD]), *more]), failures[0].code)


def progress(total: int) -> Any:  # noqa: ANN401  a context manager that yields a function
    """Return a context manager whose value is a function of the bytes that were just finished."""
    if not sys.stderr.isatty():
        return nullcontext(lambda _size: None)
    from pip._vendor.rich.console import Console
    from pip._vendor.rich.progress import Progress

    class Bar:
        def __enter__(self) -> Any:  # noqa: ANN401
            self.bar = Progress(console=Console(stderr=True))
            self.bar.start()
            task = self.bar.add_task("fetching", total=total)
            return lambda size: self.bar.advance(task, size)

        def __exit__(self, *_: object) -> None:
            self.bar.stop()

    return Bar()


def vendor(sources: list[Source], paths: dict[Source, str], folder: Path, work: Path, archive: str) -> None:
    """Copy all sources to folder/sha256/<hex>, each written whole or not at all."""
    target = folder / "sha256"
    target.mkdir(parents=True, exist_ok=True)
    wanted = [source for source in sources if not _holds(target, source)]
    absent = set(missing({source: paths[source] for source in wanted if source in paths}))
    outside = [source for source in wanted if source not in paths or source in absent]
    if outside:
        bring(outside, archive, work, into_store=False)
    for source in wanted:
        part = target / f".{source.sha256}.part"
        if source in outside:
            shutil.copyfile(work / source.sha256, part)
        else:
            _copy_from_store(paths[source], part)
        if file_digest(part) != source.sha256:
            part.unlink()
            raise FetchError(
                f"{source.file}: its copy in the store is damaged; run `nix store verify --repair {paths[source]}`", 1
            )
        part.replace(target / source.sha256)
    print(f"cloche: {folder} holds {len(sources)} sources ({len(wanted)} new)", file=sys.stderr)


def _copy_from_store(path: str, target: Path) -> None:
    if Path(path).exists():
        shutil.copyfile(path, target)
        return
    # The store's place on this disk may be another one, which Nix knows.
    with target.open("wb") as file:
        done = subprocess.run(
            ["nix", "--extra-experimental-features", "nix-command", "store", "cat", path], check=False, stdout=file
        )
    if done.returncode:
        raise FetchError(f"{path} cannot be read from the store (Nix's words are above)")


def _holds(folder: Path, source: Source) -> bool:
    file = folder / source.sha256
    return file.exists() and file_digest(file) == source.sha256


def arguments() -> argparse.Namespace:
    """Read the command line of `nix run .#fetch` and `nix run .#vendor`."""
    parser = argparse.ArgumentParser(
        prog="fetch", description="Bring all sources of a project's lock into the Nix store."
    )
    parser.add_argument("--lock", action="append", type=Path, default=[], help="a cloche.lock (default: ./cloche.lock)")
    parser.add_argument("--system", action="append", default=[], help="a system of the lock (default: this one)")
    parser.add_argument("--pins", action="append", type=Path, default=[], help=argparse.SUPPRESS)
    parser.add_argument("--outside-pins", action="append", type=Path, default=[], help=argparse.SUPPRESS)
    parser.add_argument("--this-system", help=argparse.SUPPRESS)
    parser.add_argument("--vendor", type=Path, metavar="DIR", help="copy them to DIR/sha256/<hex> instead")
    parser.add_argument("--roles", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--own-lock", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--tools-only", action="store_true", help="bring only what Cloche itself needs")
    return parser.parse_args()


def keep_sources(locks: list[Path], systems: list[str], paths: dict[Source, str], tools: list[Source]) -> None:
    """Give each lock's sources their garbage collector roots, in a folder named by where the lock is.

    `done` in it is the marker by which ci/nix knows, from its date alone, that nothing has to be fetched.
    """
    marks = Path(os.environ["CLOCHE_MARKS"])
    extra = {source for source in paths if source.pool}
    folders = {
        marks / "locks" / str(lock.resolve()).lstrip("/"): {*sources_of_lock(lock, systems), *extra} for lock in locks
    }
    for folder, wanted in (folders | {marks / "tools": set(tools)}).items():
        keep(sorted({paths[source] for source in wanted}), folder)
        (folder / "done").touch()


def run(options: argparse.Namespace) -> None:
    """Fetch or vendor what the options name."""
    archive = os.environ.get("CLOCHE_SOURCES", "")
    if archive and "://" not in archive and not Path(archive, "sha256").is_dir():
        raise FetchError(
            f"CLOCHE_SOURCES={archive}: there is no folder sha256 in it; name an archive made by 'nix run .#vendor'", 2
        )
    locks = [] if options.tools_only else options.lock or [Path("cloche.lock")]
    systems = options.system or [options.this_system]
    sources = [source for lock in locks for source in sources_of_lock(lock, systems)]
    roles = {role for lock in locks for role in roles_of_lock(lock, options.roles)}
    # A lock with an sdist needs the compilers.
    if any(not source.file.endswith(".whl") for source in sources):
        roles.add("cc")
    for role in sorted(roles):
        sources += sources_of_pins(options.roles / f"{role}.json")
    for pins in options.pins:
        sources += sources_of_pins(pins)
    tools = sources_of_lock(options.own_lock, systems, TOOLS)
    sources = sorted({*sources, *tools}, key=lambda source: source.file)
    # What an interrupted call had downloaded is found again here; nothing of it is in the store unchecked.
    work = Path(os.environ["CLOCHE_MARKS"]) / "downloads"
    work.mkdir(parents=True, exist_ok=True)
    paths = store_paths(sources, work)
    if options.vendor:
        vendor(
            sources + [pin for pins in options.outside_pins for pin in sources_of_pins(pins)],
            paths,
            options.vendor,
            work,
            archive,
        )
    else:
        absent = missing(paths)
        if absent:
            bring(absent, archive, work)
        keep_sources(locks, systems, paths, tools)
        print(f"cloche: all {len(sources)} sources are in the store ({len(absent)} new)", file=sys.stderr)
    shutil.rmtree(work)


def build() -> None:
    """Be the builder of one fixed-output derivation: the fallback where nothing brought the file beforehand.

    The sandbox has the network but not the user's pip.conf, so only an index that the environment names is asked.
    """
    source = Source(os.environ["package"], os.environ["version"], os.environ["file"], os.environ["outputHash"], 0)
    advice = f"{source.file} is not in the store; bring all sources of the lock with\n  nix run .#fetch\n(or ci/nix, which does so by itself)"
    if not os.environ.get("PIP_INDEX_URL"):
        raise FetchError(advice)
    work = Path(os.environ["NIX_BUILD_TOP"])
    os.environ["HOME"] = str(work)
    # The sandbox has the user's certificates, but at this place and no other.
    os.environ.pop("PIP_CERT", None)
    try:
        file = fetch_one(Index(), "", source, work)
    except FetchError as error:
        raise FetchError(f"{error}\n{advice}", error.code) from None
    shutil.copyfile(file, os.environ["out"])


def main() -> None:
    """Run the command line, or build a derivation; map errors to exit codes."""
    try:
        if "NIX_BUILD_TOP" in os.environ and "outputHash" in os.environ:
            build()
        else:
            run(arguments())
    except FetchError as error:
        print(f"cloche: {error}", file=sys.stderr)
        raise SystemExit(error.code) from None
    except KeyboardInterrupt:
        print("cloche: interrupted; what was finished is kept, and the next call goes on from there", file=sys.stderr)
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
