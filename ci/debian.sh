# shellcheck shell=sh disable=SC2154
# Programs from Debian's archive, for ci/set-up.sh and ci/from-debian: brought by apt with a configuration of its own, which
# checks Debian's signatures, and run with the libraries of their own release. Works in the folder $work of its reader, whose
# `lacks` says what this machine has not and ends.

debian_download() { # debian_download RELEASE PACKAGES...: into $work/debs, with what they depend on; sets $mirror
  release=$1
  shift
  keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  # shellcheck disable=SC2016  # apt's own variable
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' | grep -E '/debian/?$' | head -n 1)
  [ -n "$mirror" ] || lacks "apt on this machine has no Debian mirror configured (no source whose address ends in /debian)"
  [ -e $keyring ] || lacks "$keyring is missing, so Debian's signatures cannot be checked (package debian-archive-keyring)"
  apt=$work/apt
  mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial" "$work/debs/partial"
  : >"$apt/status"
  echo "deb [signed-by=$keyring] $mirror $release main" >"$apt/sources"
  # Read after the host's apt.conf.d (apt.conf(5)), which may have proxies, and may not allow what nobody has signed.
  cat >"$apt/conf" <<CONF
Dir::State "$apt/state"; Dir::State::status "$apt/status"; Dir::Cache "$apt/cache";
Dir::Etc::sourcelist "$apt/sources"; Dir::Etc::sourceparts "/dev/null"; Dir::Etc::preferencesparts "/dev/null";
APT::Sandbox::User ""; Acquire::Languages "none"; Acquire::Retries "3"; Dir::Log "$apt";
Acquire::AllowInsecureRepositories "false"; Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false"; APT::Get::AllowUnauthenticated "false";
CONF
  {
    apt-get -c "$apt/conf" -q update &&
      # Left out is what only maintainer scripts ask for; a missing library shows itself at the first start.
      apt-get -c "$apt/conf" -q install --print-uris -y --no-install-recommends "$@" |
      sed -n "s/^'[^']*' \([^_]*\)_\([^_]*\)_.*/\1 \2/p" |
        while read -r name version; do
          case $name in
            perl* | libperl* | lib*-perl | debconf* | passwd | base-passwd | login* | libpam* | adduser | debianutils | libsemanage* | libdb5* | libgdbm*) ;;
            *) printf '%s=%s\n' "$name" "$(printf %s "$version" | sed 's/%3a/:/')" ;;
          esac
        done >"$apt/list" &&
      (cd "$work/debs" && xargs apt-get -c "$apt/conf" -q download <"$apt/list")
  } >"$work/log" 2>&1 || { cat "$work/log" >&2; stop "apt could not bring $* from $mirror (its words are above)"; }
  rm -rf "$apt"
}

debian_unpack() { # debian_unpack: what is in $work/debs into $work/root
  rm -rf "$work/debs/partial"
  mkdir -p "$work/root"
  for deb in "$work"/debs/*.deb; do dpkg-deb -x "$deb" "$work/root"; done
}

# With interpreter and library path of its own a program needs nothing of the host. Started through the loader it would
# do as well, but for what starts itself again by /proc/self/exe, as Nix does.
debian_patch() { # debian_patch PROGRAM FINAL: where the folder $work will be
  triplet=$(cd "$work/root/usr/lib" && echo *-linux-gnu)
  loader=$(cd "$work/root/usr/lib/$triplet" && echo ld-linux*)
  final=$2/root/usr/lib/$triplet libraries=$work/root/usr/lib/$triplet
  "$libraries/$loader" --library-path "$libraries" "$work/root/usr/bin/patchelf" \
    --set-interpreter "$final/$loader" --force-rpath --set-rpath "$final" "$work/root/usr/bin/$1"
}
