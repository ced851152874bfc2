# shellcheck shell=sh disable=SC2154
# The slow half of ci/nix, read by it when a marker is missing: bringing Nix, and probing the machine.
# Runs with ci/nix's variables: $cache, $nix, $need, and its functions say and stop.

judge_nix() { # judge_nix FILE: sets $verdict, good or old, and remembers it until the file changes
  version=$("$1" --version 2>/dev/null) || version=0.0
  version=${version##* }
  major=${version%%.*} minor=${version#*.} minor=${minor%%[!0-9]*}
  verdict=good
  if ! at_least "$need"; then
    verdict=old
    say "$nix is version $version, older than $need, and is left alone"
  elif at_least "${tried%.*}.$((${tried#*.} + 1))"; then
    say "warning: $nix is version $version; the newest that Cloche was tried with is $tried (docs/toolchain.md)"
  fi
  mkdir -p "$cache"
  echo "$verdict $1" >"$cache/host-nix.$$"
  mv "$cache/host-nix.$$" "$cache/host-nix"
}

at_least() { # at_least VERSION: whether $major and $minor are
  [ "$major" -gt "${1%.*}" ] || { [ "$major" -eq "${1%.*}" ] && [ "${minor:-0}" -ge "${1#*.}" ]; }
}

# Two calls at once wait for each other. What a killed call started holds the lock until it ends, so that nobody
# clears away what it still writes.
bring_nix() {
  mkdir -p "$cache"
  if command -v flock >/dev/null; then
    exec 9>"$cache/lock"
    flock -n 9 || { say "waiting for another ci/nix, which is bringing Nix"; flock 9; }
    unpack_nix
    exec 9>&-
  else
    unpack_nix
  fi
}

three_ways() {
  stop "there is no nix >= $need on PATH, and $1.
Install Nix in one of these three ways, then run this command again:
  - the system's package manager (nix-bin on Debian 13 and Ubuntu, nix on Fedora, Arch and Alpine)
  - the installer of the Nix project (see the manual's chapter 'Installation')
  - a Debian 12 or newer container or chroot with this checkout in it, where ci/nix needs only apt-get"
}

unpack_nix() {
  [ ! -x "$cache/nix/bin/nix" ] || return 0
  for tool in apt-get dpkg-deb; do
    command -v $tool >/dev/null || three_ways "this machine has no $tool to bring one from Debian's archive"
  done
  work=$cache/nix.new.$$
  rm -rf "$cache"/nix.new.* # what a killed call left
  mkdir -p "$work/debs/partial" "$work/bin"
  trap 'rm -rf "$work"' EXIT
  trap 'exit 130' INT TERM

  # shellcheck source=ci/debian.sh
  . "$here/ci/debian.sh"
  case ${CLOCHE_SOURCES:-} in
    *://*) copy_url "$CLOCHE_SOURCES/nix" ;;
    ?*) copy_folder "$CLOCHE_SOURCES/nix" ;;
    *) download_nix ;;
  esac
  debian_unpack
  debian_patch nix "$cache/nix"
  for name in nix nix-build nix-channel nix-collect-garbage nix-copy-closure nix-daemon nix-env nix-hash nix-instantiate nix-prefetch-url nix-shell nix-store; do
    ln -s ../root/usr/bin/nix "$work/bin/$name"
  done
  rm -rf "$cache/nix"
  mv "$work" "$cache/nix"
  trap - EXIT INT TERM
  "$cache/nix/bin/nix" --version >/dev/null || stop "the Nix that was unpacked into $cache/nix does not start; remove that folder and try again"
}

# An archive's packages were checked by apt when it was made, and by its list of hashes now.
copy_folder() {
  [ -e "$1/SHA256SUMS" ] || stop "there is no nix >= $need on PATH and none in $1; make the archive again on a machine where ci/nix brought Nix from Debian's archive"
  cp "$1/SHA256SUMS" "$work/debs/"
  names=$(listed "$1") || exit
  for name in $names; do cp "$1/$name" "$work/debs/"; done
  check_sums "$1"
}

copy_url() {
  fetch_url "$1" SHA256SUMS 1
  names=$(listed "$1") || exit
  for name in $names; do fetch_url "$1" "$name" 256; done
  check_sums "$1"
}

listed() { # listed ARCHIVE: the names of its packages; what is not in the list is not unpacked
  while read -r _ name; do
    case $name in *[!A-Za-z0-9.+_~%-]* | .* | -* | '') stop "the list SHA256SUMS of $1 names '$name', which is no name of a package" ;; esac
    echo "$name"
  done <"$work/debs/SHA256SUMS"
}

fetch_url() { # fetch_url ARCHIVE NAME MEBIBYTES: into $work/debs, with apt's proxies and credentials; no more bytes, within an hour
  # An epoch is %3a in the name of a file, which an address must not say as it is.
  (ulimit -f "$(($3 * 2048))" && timeout 3600 /usr/lib/apt/apt-helper -o APT::Sandbox::User= -o Acquire::Retries=3 download-file "$1/$(printf %s "$2" | sed 's/%/%25/g')" "$work/debs/$2") >"$work/log" 2>&1 ||
    { cat "$work/log" >&2; stop "$2 could not be brought from the archive that CLOCHE_SOURCES names (apt's words are above)"; }
}

check_sums() {
  (cd "$work/debs" && sha256sum --quiet -c SHA256SUMS >&2) || { say "$1 is damaged (see the lines above); copy the archive again"; exit 1; }
  rm "$work/debs/SHA256SUMS"
}

download_nix() {
  lacks() { three_ways "$@"; }
  say "bringing Nix from Debian's archive (about 40 MB, once, into $cache)"
  debian_download trixie nix-bin patchelf
}

no_namespaces() {
  stop "this machine does not let $(id -un) make user namespaces, so builds could not be sandboxed, and none is done without.
Ask the administrator for one of:
  sysctl -w user.max_user_namespaces=15000
  sysctl -w kernel.unprivileged_userns_clone=1               (older Debian kernels)
  sysctl -w kernel.apparmor_restrict_unprivileged_userns=0   (Ubuntu 23.10 and later)
or for a Nix daemon (multi-user installation)."
}

probe_substituters() {
  mkdir -p "$cache"
  answer=no
  for url in $("$nix" --extra-experimental-features nix-command config show substituters 2>/dev/null); do
    if timeout 5 "$nix" --extra-experimental-features nix-command store info --option connect-timeout 3 --store "$url" >/dev/null 2>&1; then
      answer=yes
    fi
  done
  echo $answer >"$cache/substituters.$$"
  mv "$cache/substituters.$$" "$cache/substituters"
}

write_registry() { # write_registry FILE: the flake registry in which nixpkgs is this checkout's toolchain
  mkdir -p "${1%/*}"
  cat >"$1.$$" <<JSON
{"version": 2, "flakes": [{"from": {"type": "indirect", "id": "nixpkgs"}, "to": {"type": "path", "path": "$here/pkgs/toolchain"}}]}
JSON
  mv "$1.$$" "$1"
}
