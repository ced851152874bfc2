"""The command line of `nix run .#fetch` and `nix run .#vendor`, and the builder of one source."""

import argparse
import os
import shutil
import sys
from pathlib import Path

from cloche.errors import ClocheError
from cloche.fetch.download import fetch_one
from cloche.fetch.index import Index
from cloche.fetch.sources import FetchError, Source
from cloche.fetch.verbs import run
from cloche.untrusted import terminal


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


def build() -> None:
    """Be the builder of one fixed-output derivation: the fallback where nothing brought the file beforehand.

    The sandbox has the network but not the user's pip.conf, so only an index that the environment names is asked.
    """
    source = Source(
        os.environ["package"],
        os.environ["version"],
        os.environ["file"],
        os.environ["outputHash"],
        int(os.environ.get("size") or 0),
    )
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
        print(f"cloche: {terminal.visible(str(error))}", file=sys.stderr)
        raise SystemExit(error.code) from None
    except ClocheError as error:
        print(f"cloche: {terminal.visible(error.message)}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        print("cloche: interrupted; what was finished is kept, and the next call goes on from there", file=sys.stderr)
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
