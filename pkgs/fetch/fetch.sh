#!/bin/sh
# `nix run .#fetch` and `nix run .#vendor`, and what ci/nix calls: bring the seed, build the base, then let its Python
# bring the sources of the locks with the user's pip and apt configuration (cloche/fetch.py).
#
# Options of its own: --role NAME (a set of Debian packages besides the lock's files), --seed-only. All others are
# fetch.py's. Needs nix on PATH, and of the host only sh.
set -eu
here=$(CDPATH='' cd -- "${0%/*}" && pwd -P)
top=$here/../..
system=$(uname -m)-linux
pins=$top/pkgs/toolchain/debian/pins/$system
say() { printf 'cloche: %s\n' "$*" >&2; }

command -v nix >/dev/null || { say "nix is not on PATH; call this through 'nix run' or ci/nix"; exit 3; }
[ -d "$pins" ] || { say "the toolchain is not pinned for $system"; exit 3; }
cache=${CLOCHE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cloche}
marks=${CLOCHE_MARKS:-$cache/stores/${NIX_REMOTE:-default}}
mkdir -p "$marks"

case ${1:-} in vendor) verb=vendor; shift ;; *) verb=fetch ;; esac
only= expect=
for argument in "$@"; do
  shift
  if [ -n "$expect" ]; then
    expect=
    [ -e "$pins/$argument.json" ] || { say "there is no role '$argument'; the roles are: $(cd "$pins" && ls ./*.json | sed -n 's,./\(.*\).json,\1,p' | grep -v seed | tr '\n' ' ')"; exit 2; }
    set -- "$@" --pins "$pins/$argument.json"
  else
    case $argument in
      --seed-only) only=yes ;;
      --role) expect=yes ;;
      *) set -- "$@" "$argument" ;;
    esac
  fi
done

paths=$(nix eval --impure --raw --expr "let t = import $top/pkgs/toolchain { system = \"$system\"; }; in builtins.concatStringsSep \" \" [ t.seed.outPath t.base.drvPath t.base.outPath t.pip ]")
# shellcheck disable=SC2086  # four words
set_paths() { seed=$1 drv=$2 base=$3 pip=$4; }
set_paths $paths
# One at a time: parallel first writes to a fresh store collide (and an invalid left-over of a killed one is healed by
# adding again, so validity is asked of Nix, never of the file system).
if command -v flock >/dev/null; then exec 8>"$marks/lock"; flock 8; fi
if ! nix-store --check-validity "$seed" 2>/dev/null; then
  added=$(sh "$top/pkgs/toolchain/debian/seed.sh" "$pins/seed.json" "$(cat "$pins/seed.hash")" 8>&-)
  [ "$added" = "$seed" ] || { say "the seed became $added where $seed is expected"; exit 1; }
fi
# This root is also the mark by which ci/nix knows that the seed is there.
mark=$marks/seeds/$(cat "$pins/seed.hash")
mkdir -p "${mark%/*}"
nix-store --realise "$seed" --add-root "$mark" --indirect >/dev/null
nix-store --realise "$drv" --add-root "$marks/base" --indirect >/dev/null 8>&-
[ -z "$only" ] || exit 0

case $verb in
  vendor)
    [ $# -gt 0 ] || { say "usage: nix run .#vendor -- DIR [--lock FILE ...]"; exit 2; }
    target=$1
    shift
    mkdir -p "$target"
    set -- --vendor "$target" --outside-pins "$pins/seed.json" "$@"
    # Nix itself, so that the archive serves a machine that has none.
    if [ -d "$cache/nix/debs" ] && [ ! -e "$target/nix/SHA256SUMS" ]; then
      mkdir -p "$target/nix"
      cp "$cache"/nix/debs/*.deb "$target/nix/"
      (cd "$target/nix" && sha256sum -- *.deb >SHA256SUMS)
    fi
    ;;
esac
export PYTHONPATH="$pip" CLOCHE_CACHE="$cache" CLOCHE_MARKS="$marks"
# In a store that is not at /nix (an ordinary user's), only `nix shell` can start what lies in it.
exec nix shell "$base" --command "$base/bin/python3" "$top/python/src/cloche/fetch.py" \
  --this-system "$system" --cc "$pins/cc.json" "$@"
