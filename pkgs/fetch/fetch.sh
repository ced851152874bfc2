#!/bin/sh
# `nix run .#fetch` and `nix run .#vendor`, and what ci/nix calls: bring the seed, build the base, then let its Python
# bring the sources of the locks with the user's pip and apt configuration (python/src/cloche/fetch).
#
# Options of its own: --role NAME (a set of Debian packages besides the lock's files), --seed-only. All others are
# cloche.fetch's. Needs nix on PATH, and of the host only sh.
set -eu
umask 022
here=$(CDPATH='' cd -- "${0%/*}" && pwd -P)
top=${here%/*/*}
system=$(uname -m)-linux
pins=$top/pkgs/toolchain/debian/pins/$system
say() { printf 'cloche: %s\n' "$*" >&2; }
stop() { say "$@"; exit 3; }

command -v nix >/dev/null || stop "nix is not on PATH; call this through 'nix run' or ci/nix"
[ -d "$pins" ] || stop "the toolchain is not pinned for $system"
cache=${CLOCHE_CACHE:-${XDG_CACHE_HOME:-${HOME:?cloche: HOME is not set}/.cache}/cloche}
# shellcheck source=pkgs/fetch/cache.sh
. "$here/cache.sh"
check_cache "$cache"
# What was brought, per store; ci/nix, which knows the store, names the folder.
marks=${CLOCHE_MARKS:-$cache/stores/${NIX_REMOTE:-default}}
mkdir -p "$marks"

case ${1:-} in vendor) verb=vendor; shift ;; *) verb=fetch ;; esac
only='' expect=''
for argument in "$@"; do
  shift
  if [ -n "$expect" ]; then
    expect=''
    if [ "$argument" = seed ] || [ "$argument" = licenses ] || [ ! -e "$pins/$argument.json" ]; then
      roles=$(for file in "$pins"/*.json; do basename "$file" .json; done | grep -vxe seed -e licenses | xargs)
      say "there is no role '$argument'; the roles are: $roles"
      exit 2
    fi
    set -- "$@" --pins "$pins/$argument.json"
  else
    case $argument in
      --seed-only) only=yes ;;
      --role) expect=yes ;;
      *) set -- "$@" "$argument" ;;
    esac
  fi
done
[ -z "$expect" ] || { say "--role needs a name"; exit 2; }

# One at a time: parallel first writes to a fresh store collide. What a killed call started holds the lock until it
# ends. (An invalid left-over in the store is healed by adding again: validity is asked of Nix, not of the file system.)
if command -v flock >/dev/null; then
  exec 8>"$marks/lock"
  flock -n 8 || { say "waiting for another call, which is bringing sources"; flock 8; }
fi
paths=$(nix eval --impure --raw --expr "let t = import (/. + \"$top/pkgs/toolchain\") { system = \"$system\"; }; in builtins.concatStringsSep \" \" [ t.seed.outPath t.base.drvPath t.base.outPath t.pip ]")
read -r seed drv base pip <<END
$paths
END
read -r hash <"$pins/seed.hash"
if ! nix-store --check-validity "$seed" 2>/dev/null; then
  added=$(CLOCHE_MARKS=$marks sh "$top/pkgs/toolchain/debian/seed.sh" "$pins/seed.json" "$hash")
  [ "$added" = "$seed" ] || { say "the seed became $added where $seed is expected"; exit 1; }
fi
nix-store --realise "$drv" --add-root "$marks/base" --indirect >/dev/null
# The seed's root is the mark by which ci/nix knows that all of this is there; its hash holds slashes.
root=$marks/seeds/$hash
mkdir -p "${root%/*}"
nix-store --realise "$seed" --add-root "$root" --indirect >/dev/null
[ -z "$only" ] || exit 0

case $verb in
  vendor)
    case ${1:-} in '' | -*) say "usage: nix run .#vendor -- DIR [--lock FILE ...]"; exit 2 ;; esac
    target=$1
    shift
    mkdir -p "$target"
    set -- --vendor "$target" --outside-pins "$pins/seed.json" "$@"
    # Nix itself, so that the archive serves a machine that has none.
    if [ -d "$cache/nix/debs" ] && [ ! -e "$target/nix/SHA256SUMS" ]; then
      # All of it or nothing, and not through a link.
      new=$(mktemp -d "$target/.cloche-new-XXXXXXXX")
      cp "$cache"/nix/debs/*.deb "$new/"
      (cd "$new" && sha256sum -- *.deb >SHA256SUMS && chmod 755 .)
      mv -T "$new" "$target/nix" || { rm -rf "$new"; say "$target/nix is there and has no SHA256SUMS; move it elsewhere"; exit 2; }
    fi
    ;;
esac
export PYTHONPATH="$top/python/src:$pip" CLOCHE_CACHE="$cache" CLOCHE_MARKS="$marks"
# In a store that is not at /nix (an ordinary user's), only `nix shell` can start what lies in it.
exec nix shell "$base" --command "$base/bin/python3" -m cloche.fetch \
  --this-system "$system" --roles "$pins" --own-lock "$top/python/cloche.lock" "$@"
