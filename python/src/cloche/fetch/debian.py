"""Bringing Debian packages through the host's apt."""

import os
import subprocess
from pathlib import Path

from cloche.fetch.sources import FetchError, Source

APT_HELPER = "/usr/lib/apt/apt-helper"


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
