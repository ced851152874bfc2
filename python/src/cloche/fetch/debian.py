"""Bringing Debian packages through the host's apt."""

import os
import shutil
import subprocess
from pathlib import Path

from cloche.fetch.download import file_digest
from cloche.fetch.session import PACE, PATIENCE
from cloche.fetch.sources import FetchError, Source

APT_HELPER = "/usr/lib/apt/apt-helper"
# Files for one call; what the command line may be long.
_AT_ONCE = 30
# No file may be larger than the number of 512-byte blocks in $1; a process that writes more is ended by the kernel.
_BOUNDED = 'ulimit -f "$1"; shift; exec "$@"'


def fetch_debian(sources: list[Source], folder: Path) -> None:
    """Bring Debian packages through apt's own helper: its mirrors, proxies, credentials and hash check."""
    if not os.access(APT_HELPER, os.X_OK):
        raise FetchError(
            f"{len(sources)} Debian packages are missing ({sources[0].file}, ...) and this machine has no apt;\n"
            "set CLOCHE_SOURCES to an archive made by 'nix run .#vendor' on another machine"
        )
    code, listed, words = _run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Component: main"], PATIENCE
    )
    if code:
        raise FetchError(f"apt cannot say which mirrors this machine has:\n{words.strip()}")
    mirrors = sorted({uri for uri in listed.split() if uri.rstrip("/").endswith("/debian")})
    words = "apt on this machine has no Debian mirror configured (no source whose address ends in /debian)"
    for mirror in mirrors:
        left = [source for source in sources if not (folder / source.sha256).exists()]
        for start in range(0, len(left), _AT_ONCE):
            words = _bring(mirror.rstrip("/"), left[start : start + _AT_ONCE], folder) or words
    for source in sources:
        if not (folder / source.sha256).exists():
            raise FetchError(f"{source.pool}: apt could not bring it:\n{words.strip()}")


def _bring(mirror: str, sources: list[Source], folder: Path) -> str:
    """Bring files from one mirror, each under its name only when it is the right one; return apt's words."""
    # apt writes into the file that it is told, and leaves it or another where it ends: nothing in here is believed.
    desk = folder / "apt"
    shutil.rmtree(desk, ignore_errors=True)
    desk.mkdir()
    parts = {source: desk / source.sha256 for source in sources}
    words = [APT_HELPER, "-o", "APT::Sandbox::User=", "-o", "Acquire::Retries=3", "download-file"]
    for source, part in parts.items():
        words += [f"{mirror}/{source.pool}", str(part), f"SHA256:{source.sha256}"]
    blocks = max(source.size for source in sources) // 512 + 1
    seconds = PATIENCE + sum(source.size for source in sources) / PACE
    _, _, said = _run(["sh", "-c", _BOUNDED, "sh", str(blocks), *words], seconds)
    for source, part in parts.items():
        if part.exists() and part.stat().st_size == source.size and file_digest(part) == source.sha256:
            part.replace(folder / source.sha256)
    shutil.rmtree(desk)
    return said


def _run(command: list[str], seconds: float) -> tuple[int, str, str]:
    """Return exit code, output and messages; a command that takes too long is ended, and says so in its messages."""
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return 1, "", f"`{command[0]}` was not done after {round(seconds)} s"
    return done.returncode, done.stdout, done.stderr
