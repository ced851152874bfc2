#!/bin/sh
# `nix run .#vendor -- DIR`: copy all sources of the lock to DIR/sha256/<hex>.
exec sh "${0%/*}/fetch.sh" vendor "$@"
