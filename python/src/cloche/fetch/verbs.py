"""Fetching and vendoring: everything that the locks name, in parallel."""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import nullcontext
from hashlib import sha256
from pathlib import Path
from typing import Any

from cloche.fetch.debian import fetch_debian
from cloche.fetch.download import CHUNK, fetch_one, file_digest
from cloche.fetch.index import Index
from cloche.fetch.sources import FetchError, Source, roles_of_lock, sources_of_lock, sources_of_pins
from cloche.fetch.store import add, keep, missing, store_paths
from cloche.store import write
from cloche.untrusted.regular_file import open_regular

WORKERS = 8
# How many failures are told in full.
TOLD = 5
# What every project's build and Cloche's own command line need of Cloche's own lock.
TOOLS = ("attest", "audit", "builders", "default", "image", "sbom", "telemetry")


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
        origin = work / source.sha256 if source in outside else Path(paths[source])
        write.file(target / source.sha256, _checked(source, origin))
    print(f"cloche: {folder} holds {len(sources)} sources ({len(wanted)} new)", file=sys.stderr)


def _checked(source: Source, path: Path) -> Iterator[bytes]:
    """Yield a file's bytes; raises FetchError at their end if they are others than the lock says."""
    digest = sha256()
    for block in _blocks(path):
        digest.update(block)
        yield block
    if digest.hexdigest() != source.sha256:
        raise FetchError(f"{source.file}: its copy in the store is damaged; run `nix store verify --repair {path}`", 1)


def _blocks(path: Path) -> Iterator[bytes]:
    if path.exists():
        with open_regular(path) as file:
            yield from iter(lambda: file.read(CHUNK), b"")
        return
    # The store's place on this disk may be another one, which Nix knows.
    command = ["nix", "--extra-experimental-features", "nix-command", "store", "cat", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        while process.stdout and (block := process.stdout.read(CHUNK)):
            yield block
    if process.returncode:
        raise FetchError(f"{path} cannot be read from the store (Nix's words are above)")


def _holds(folder: Path, source: Source) -> bool:
    file = folder / source.sha256
    return file.exists() and file_digest(file) == source.sha256


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
    # The licence texts that images carry.
    tools += sources_of_pins(options.roles / "licenses.json")
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
