# Read by ci/nix before each call: is the seed in the store, are the sources of the locks found here? Both are told by
# marks that pkgs/fetch leaves, so that the usual answer costs a few file tests.

# What is in a store that is not at /nix (an ordinary user's, or --store DIR) has another place on the disk.
physical() {
  case $store in
    /*) printf '%s' "$store" ;;
    default) [ -w /nix/var/nix ] || [ -n "$daemon" ] || { [ "$(id -u)" = 0 ] && return 0; printf '%s' "${XDG_DATA_HOME:-$HOME/.local/share}/nix/root"; } ;;
  esac
}

bring() { # bring [fetch's arguments]: in the store that the user's call is about
  if [ "$store" != default ]; then
    NIX_REMOTE=$store CLOCHE_MARKS=$marks sh "$here/pkgs/fetch/fetch.sh" "$@"
  else
    CLOCHE_MARKS=$marks sh "$here/pkgs/fetch/fetch.sh" "$@"
  fi
}

check_sources() {
  if [ -L "$marks/base" ]; then
    target=$(readlink "$marks/base")
    [ -e "$(physical)$target" ] || bring --seed-only || exit
  else
    bring --seed-only || exit
  fi
  # Only what builds needs sources; and what brings them, or makes a lock, must not wait for them.
  case " $* " in
    *"#fetch "* | *"#vendor "* | *"#lock "*) return 0 ;;
  esac
  case ${1:-} in build | run | develop | shell | flake | print-dev-env) ;; *) return 0 ;; esac
  if top=$(git rev-parse --show-toplevel 2>/dev/null); then
    for file in $(git ls-files --others --exclude-standard -- '*.py' '*cloche.lock' | head -n 5); do
      say "warning: $file is not known to git, so the flake does not see it ('git add -N $file' is enough)"
    done
    locks=$(git ls-files --cached --full-name -- '*cloche.lock' 'cloche.lock' | sort -u)
    [ "$top" = "$PWD" ] || locks=$(cd "$top" && git ls-files -- '*cloche.lock' 'cloche.lock' | sort -u)
  else
    top=$PWD
    locks=$( [ ! -e cloche.lock ] || echo cloche.lock)
    if [ -e .git ] || [ -e flake.nix ]; then
      words=$(git rev-parse --show-toplevel 2>&1) || case $words in
        *"dubious ownership"*) stop "this checkout belongs to another user ($(stat -c %U .)), so git and Nix refuse it; make it yours with
  git clone --no-hardlinks '$PWD' ~/checkout      (or: chown -R $(id -un) '$PWD')
or have its owner's word for it with: git config --global --add safe.directory '$PWD'" ;;
      esac
    fi
  fi
  stale=
  for lock in $locks; do
    mark=$marks/locks$top/$lock/done
    [ "$mark" -nt "$top/$lock" ] || stale="$stale --lock $top/$lock"
  done
  # shellcheck disable=SC2086  # a list of options; a checkout's path with blanks would need one call per lock
  [ -z "$stale" ] || bring $stale || exit
}
