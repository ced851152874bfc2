#!/bin/sh
# Bring the seed into the store: `seed.sh PINS NAR-HASH` prints its store path. `seed.sh PINS` only prints the hash that
# the unpacked tree has (for ci/update-toolchain).
#
# The seed is the one thing that Nix cannot fetch for itself, since nothing in an empty store could unpack it. Its
# packages come from CLOCHE_SOURCES/sha256/<hex> or from the host's apt mirrors (with apt's proxies and credentials);
# each is checked against its pin and the unpacked tree against the derivation's hash before it is added.
# Needs nix on PATH. Exit codes: 1 a hash differs, 3 this machine lacks something.
set -eu
umask 022
export LC_ALL=C
pins=$1 expected=${2:-}
say() { printf 'cloche: %s\n' "$*" >&2; }

# The caller holds the lock of this folder, so that only a killed call can have left anything here.
work=${CLOCHE_MARKS:-$(mktemp -d)}/seed.new
clear() { [ ! -d "$work" ] || chmod -R u+w "$work"; rm -rf "$work"; }
clear
trap clear EXIT
trap 'exit 130' INT TERM HUP
mkdir -p "$work/debs" "$work/tree"

# One package stands on one line of PINS, keys sorted.
sed -n 's/.*"name": "\([^"]*\)", "path": "\([^"]*\)", "sha256": "\([^"]*\)".*/\1 \2 \3/p' "$pins" >"$work/list"
[ -s "$work/list" ] || { say "$pins lists no package"; exit 1; }
count=$(wc -l <"$work/list")

from_folder() {
  while read -r name _ hash; do
    file=$CLOCHE_SOURCES/sha256/$hash
    [ -e "$file" ] || { say "$name ($hash) is not in the archive $CLOCHE_SOURCES; make it again with 'nix run .#vendor'"; exit 3; }
    cp "$file" "$work/debs/$hash"
  done <"$work/list"
}

from_url() {
  say "bringing the seed ($count Debian packages, once) from the archive that CLOCHE_SOURCES names"
  while read -r name _ hash; do
    got=$(nix store prefetch-file --json --name seed.deb --expected-hash "sha256:$hash" "${CLOCHE_SOURCES%/}/sha256/$hash" 2>"$work/log") ||
      { tail -n 5 "$work/log" >&2; say "$name ($hash) could not be brought from the archive (Nix's words are above)"; exit 3; }
    got=${got#*'"storePath":"'}
    nix store cat "${got%%'"'*}" >"$work/debs/$hash"
  done <"$work/list"
}

from_mirrors() {
  helper=/usr/lib/apt/apt-helper
  [ -x $helper ] || { say "this machine has no apt to bring the seed with; set CLOCHE_SOURCES to an archive made by 'nix run .#vendor' on another machine"; exit 3; }
  # shellcheck disable=SC2016  # apt's own variable
  mirrors=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' | grep -E '/debian/?$' | sort -u) || mirrors=''
  [ -n "$mirrors" ] || { say "apt on this machine has no Debian mirror configured (no source whose address ends in /debian); set CLOCHE_SOURCES to an archive made by 'nix run .#vendor' on another machine"; exit 3; }
  say "bringing the seed ($count Debian packages, once)"
  for mirror in $mirrors; do
    while read -r _ path hash; do
      [ -e "$work/debs/$hash" ] || printf '%s\n%s\nSHA256:%s\n' "${mirror%/}/$path" "$work/debs/$hash" "$hash"
    done <"$work/list" >"$work/wanted"
    [ -s "$work/wanted" ] || break
    # What a mirror lacks, the next may have; what is missing in the end is told below.
    xargs $helper -o APT::Sandbox::User= -o Acquire::Retries=3 download-file <"$work/wanted" >"$work/log" 2>&1 || failed=$mirror
  done
}

unpack() { # unpack DEB: into the tree
  if command -v dpkg-deb >/dev/null; then
    dpkg-deb -x "$1" "$work/tree"
  else
    # A deb is an ar archive: after 8 bytes, members with a header of 60, whose size stands at 48, on even offsets.
    offset=8
    while header=$(tail -c +$((offset + 1)) "$1" | head -c 60) && [ -n "$header" ]; do
      member=${header%%[ /]*} size=$(printf %s "$header" | cut -c 49-58 | tr -d ' ')
      case $member in
        data.tar.xz) tail -c +$((offset + 61)) "$1" | head -c "$size" | tar -xJ -C "$work/tree" --no-same-owner -p && return 0 ;;
      esac
      offset=$((offset + 60 + size + size % 2))
    done
    say "${1##*/} has no data.tar.xz"
    return 1
  fi
}

case ${CLOCHE_SOURCES:-} in
  '') from_mirrors ;;
  *://*) from_url ;;
  *) from_folder ;;
esac
while read -r name path hash; do
  [ -e "$work/debs/$hash" ] || { tail -n 5 "$work/log" >&2; say "could not bring $path from ${failed:-the mirrors} (apt's words are above)"; exit 3; }
  found=$(sha256sum "$work/debs/$hash")
  found=${found%% *}
  [ "$found" = "$hash" ] || { say "$path has sha256 $found, but the pin says $hash; nothing was added"; exit 1; }
  unpack "$work/debs/$hash"
done <"$work/list"

found=$(nix hash path --mode nar --algo sha256 --format sri "$work/tree")
if [ -z "$expected" ]; then
  echo "$found"
elif [ "$found" = "$expected" ]; then
  nix store add --mode nar --hash-algo sha256 --name cloche-seed "$work/tree"
else
  say "the seed's tree has the hash $found, but $expected is expected; nothing was added"
  exit 1
fi
