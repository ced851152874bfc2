"""The name of a source in the Nix store; standard library only, since `fetch` runs without Cloche's dependencies."""

import re

LENGTH = 200
_FORBIDDEN = re.compile(rb"[^A-Za-z0-9+._?=-]")


def store_name(file_name: str) -> str:
    """Return the name that a source has in the Nix store; `lib/lock/store-name.nix` computes the same.

    Every byte that Nix forbids becomes "_" (Nix's strings are bytes, so an accented letter
    becomes two), a leading "." gets a "_" in front, and of a long name the last 200 characters
    stay, because the end says what kind of file it is.
    """
    name = _FORBIDDEN.sub(b"_", file_name.encode()).decode("ascii")
    if name.startswith("."):
        name = f"_{name}"
    return name[-LENGTH:]
