#!/bin/sh
# Bring the seed into the store: `seed.sh PINS NAR-HASH` prints its store path.
#
# The seed is the one thing that Nix cannot fetch for itself, since nothing in an empty store could unpack it. Its
# packages come from CLOCHE_SOURCES/sha256/<hex> or from the host's apt mirrors (with apt's proxies and credentials);
# each is checked against its pin and the unpacked tree against the derivation's hash before it is added.
# Needs nix on PATH. Exit codes: 1 a hash differs, 3 this machine lacks something.
set -eu
umask 022
export LC_ALL=C
pins=$1 expected=$2
say() { printf 'cloche: %s\n' "$*" >&2; }

work=$(mktemp -d "${TMPDIR:-/tmp}/cloche-seed.XXXXXX")
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
mkdir "$work/debs" "$work/tree"

# One package stands on one line of PINS, keys sorted.
sed -n 's/.*"name": "\([^"]*\)", "path": "\([^"]*\)", "sha256": "\([^"]*\)".*/\1 \2 \3/p' "$pins" >"$work/list"
[ -s "$work/list" ] || { say "$pins lists no package"; exit 1; }

if [ -n "${CLOCHE_SOURCES:-}" ] && [ -d "$CLOCHE_SOURCES/sha256" ]; then
  while read -r name path hash; do
    file=$CLOCHE_SOURCES/sha256/$hash
    [ -e "$file" ] || { say "$name ($hash) is not in the archive $CLOCHE_SOURCES; make it again with 'nix run .#vendor'"; exit 3; }
    cp "$file" "$work/debs/$hash"
  done <"$work/list"
else
  helper=/usr/lib/apt/apt-helper
  [ -x $helper ] || { say "this machine has no apt to bring the seed with; set CLOCHE_SOURCES to an archive made by 'nix run .#vendor' on another machine"; exit 3; }
  mirrors=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' | grep -E '/debian/?$' | sort -u)
  [ -n "$mirrors" ] || { say "apt on this machine has no Debian mirror configured (no source whose address ends in /debian)"; exit 3; }
  say "bringing the seed ($(wc -l <"$work/list") Debian packages, once)"
  for mirror in $mirrors; do
    while read -r name path hash; do
      [ -e "$work/debs/$hash" ] || printf '%s\n%s\nSHA256:%s\n' "${mirror%/}/$path" "$work/debs/$hash" "$hash"
    done <"$work/list" >"$work/wanted"
    [ -s "$work/wanted" ] || break
    xargs "$helper" -o APT::Sandbox::User= -o Acquire::Retries=3 download-file <"$work/wanted" >"$work/log" 2>&1 || failed=$mirror
  done
fi

while read -r name path hash; do
  [ -e "$work/debs/$hash" ] || { tail -n 5 "$work/log" >&2; say "could not bring $path from ${failed:-the mirrors} (apt's words are above)"; exit 3; }
  found=$(sha256sum "$work/debs/$hash"); found=${found%% *}
  [ "$found" = "$hash" ] || { say "$path has sha256 $found, but the pin says $hash; nothing was added"; exit 1; }
  if command -v dpkg-deb >/dev/null; then
    dpkg-deb -x "$work/debs/$hash" "$work/tree"
  else
    (cd "$work/tree" && ar p "$work/debs/$hash" data.tar.xz | tar -xJ)
  fi
done <"$work/list"

found=$(nix hash path --mode nar --algo sha256 --format sri "$work/tree")
if [ "$found" != "$expected" ]; then
  say "the seed's tree has the hash $found, but $expected is expected; nothing was added"
  exit 1
fi
nix store add --mode nar --hash-algo sha256 --name cloche-seed "$work/tree"
