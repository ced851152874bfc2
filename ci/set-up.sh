# The slow half of ci/nix, read by it when a marker is missing: bringing Nix, and probing the machine once.
# Runs with ci/nix's variables: $cache, $nix, and its functions say and stop. Two at once wait for each other.

locked() { # locked FUNCTION: run it alone; a killed holder's lock goes with its process
  mkdir -p "$cache"
  if command -v flock >/dev/null; then
    exec 9>"$cache/lock"
    flock 9
    "$@" 9>&-
    exec 9>&-
  else
    "$@"
  fi
}

bring_nix() { locked unpack_nix; }

unpack_nix() {
  [ -x "$cache/nix/bin/nix" ] && return 0
  for tool in apt-get dpkg-deb; do
    command -v $tool >/dev/null || stop "there is no nix >= $need on PATH, and this machine has no $tool to bring one from Debian's archive.
Install Nix in one of these three ways, then run this command again:
  - the system's package manager (nix-bin on Debian 13 and Ubuntu, nix on Fedora, Arch and Alpine)
  - the installer of the Nix project (see the manual's chapter 'Installation')
  - a Debian 12 or newer container or chroot with this checkout in it, where ci/nix needs only apt-get"
  done
  work=$cache/nix.new.$$
  rm -rf "$cache"/nix.new.* # what a killed call left
  mkdir -p "$work/apt/state/lists/partial" "$work/apt/cache/archives/partial" "$work/root" "$work/bin"
  trap 'rm -rf "$work"' EXIT
  trap 'exit 130' INT TERM

  if [ -n "${CLOCHE_SOURCES:-}" ] && [ -d "$CLOCHE_SOURCES/nix" ]; then
    # An archive's copy was checked by apt when it was made, and by its list of hashes now.
    (cd "$CLOCHE_SOURCES/nix" && sha256sum --quiet -c SHA256SUMS) || stop "$CLOCHE_SOURCES/nix is damaged (see the line above); copy the archive again"
    cp "$CLOCHE_SOURCES"/nix/*.deb "$work/apt/cache/archives/"
  else
    say "bringing Nix from Debian's archive (about 40 MB, once, into $cache)"
    download_nix
  fi
  for deb in "$work"/apt/cache/archives/*.deb; do dpkg-deb -x "$deb" "$work/root"; done
  mkdir "$work/debs" && mv "$work"/apt/cache/archives/*.deb "$work/debs/"
  rm -rf "$work/apt"

  # Debian's nix, with interpreter and library path of its own, needs nothing of the host.
  triplet=$(cd "$work/root/usr/lib" && echo *-linux-gnu)
  loader=$(cd "$work/root/usr/lib/$triplet" && echo ld-linux*)
  final=$cache/nix/root/usr/lib/$triplet libraries=$work/root/usr/lib/$triplet
  "$libraries/$loader" --library-path "$libraries" "$work/root/usr/bin/patchelf" \
    --set-interpreter "$final/$loader" --force-rpath --set-rpath "$final" "$work/root/usr/bin/nix"
  for name in nix nix-build nix-channel nix-collect-garbage nix-copy-closure nix-daemon nix-env nix-hash nix-instantiate nix-prefetch-url nix-shell nix-store; do
    ln -s ../root/usr/bin/nix "$work/bin/$name"
  done
  rm -rf "$cache/nix"
  mv "$work" "$cache/nix"
  trap - EXIT INT TERM
  "$cache/nix/bin/nix" --version >/dev/null || stop "the Nix that was unpacked into $cache/nix does not start; remove that folder and try again"
}

download_nix() {
  keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  [ -e $keyring ] || stop "$keyring is missing, so Debian's signatures cannot be checked; install the package debian-archive-keyring"
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' | grep -E '/debian/?$' | head -n 1)
  [ -n "$mirror" ] || stop "apt on this machine has no Debian mirror configured (no source whose address ends in /debian)"
  apt=$work/apt
  : >"$apt/status"
  echo "deb [signed-by=$keyring] $mirror trixie main" >"$apt/sources"
  cat >"$apt/conf" <<CONF
Dir::State "$apt/state"; Dir::State::status "$apt/status"; Dir::Cache "$apt/cache";
Dir::Etc::sourcelist "$apt/sources"; Dir::Etc::sourceparts "/dev/null"; Dir::Etc::preferencesparts "/dev/null";
APT::Sandbox::User ""; Acquire::Languages "none"; Acquire::Retries "3"; Dir::Log "$apt";
CONF
  {
    APT_CONFIG=$apt/conf apt-get -q update &&
      # Left out is what only maintainer scripts ask for; a missing library shows itself at the first start.
      APT_CONFIG=$apt/conf apt-get -q install --print-uris -y --no-install-recommends nix-bin patchelf |
      sed -n "s/^'[^']*' \([^_]*\)_\([^_]*\)_.*/\1 \2/p" |
        while read -r name version; do
          case $name in
            perl* | libperl* | lib*-perl | debconf* | passwd | base-passwd | login* | libpam* | adduser | debianutils | libsemanage* | libdb5* | libgdbm*) ;;
            *) printf '%s=%s\n' "$name" "$(printf %s "$version" | sed 's/%3a/:/')" ;;
          esac
        done >"$apt/list" &&
      (cd "$apt/cache/archives" && APT_CONFIG=$apt/conf xargs apt-get -q download <"$apt/list")
  } >"$apt/log" 2>&1 || { cat "$apt/log" >&2; stop "apt could not bring Nix from $mirror (its words are above)"; }
}

probe_machine() {
  mkdir -p "$cache"
  if [ ! -S /nix/var/nix/daemon-socket/socket ] && ! unshare --user --map-root-user --mount --pid --fork true 2>/dev/null; then
    stop "this machine does not let $(id -un) make user namespaces, so builds could not be sandboxed, and none is done without.
Ask the administrator for one of:
  sysctl -w user.max_user_namespaces=15000
  sysctl -w kernel.unprivileged_userns_clone=1               (older Debian kernels)
  sysctl -w kernel.apparmor_restrict_unprivileged_userns=0   (Ubuntu 23.10 and later)
or for a Nix daemon (multi-user installation)."
  fi
  answer=no
  for cache_url in $("$nix" --extra-experimental-features nix-command config show substituters 2>/dev/null); do
    if timeout 5 "$nix" --extra-experimental-features nix-command store info --option connect-timeout 3 --store "$cache_url" >/dev/null 2>&1; then
      answer=yes
    fi
  done
  # Where no cache answers, `nix develop` must not look for nixpkgs either: the toolchain has a bash for it.
  cat >"$cache/registry.json" <<JSON
{"version": 2, "flakes": [{"from": {"type": "indirect", "id": "nixpkgs"}, "to": {"type": "path", "path": "$here/pkgs/toolchain"}}]}
JSON
  echo $answer >"$cache/probed.$$" && mv "$cache/probed.$$" "$cache/probed"
}
