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

flake_folder() { # flake_folder ARGUMENTS: the local folder of the flake that the call is about, or nothing
  folder=$PWD
  shift
  for argument in "$@"; do
    case $argument in
      --) break ;;
      -*) continue ;;
      *'#'*) argument=${argument%%#*} ;;
    esac
    argument=${argument#path:} argument=${argument#git+file://} argument=${argument%%\?*}
    if [ -d "${argument:-.}" ]; then
      folder=$(CDPATH='' cd -- "${argument:-.}" && pwd)
      break
    fi
  done
  while [ -n "$folder" ] && [ ! -e "$folder/flake.nix" ]; do folder=${folder%/*}; done
}

check_sources() {
  read -r hash <"$here/pkgs/toolchain/debian/pins/$(uname -m)-linux/seed.hash" || stop "the toolchain is not pinned for $(uname -m)-linux"
  seed=$(readlink "$marks/seeds/$hash") && [ -e "$(physical)$seed" ] || bring --seed-only || exit
  # Only what builds needs sources; and what brings them, or makes a lock, must not wait for them.
  case " $* " in
    *"#fetch "* | *"#vendor "* | *"#lock "*) return 0 ;;
  esac
  case ${1:-} in build | run | develop | shell | flake | print-dev-env) ;; *) return 0 ;; esac
  flake_folder "$@"
  [ -n "$folder" ] || return 0
  if words=$(git -C "$folder" ls-files --others --exclude-standard -- '*.py' cloche.lock 2>&1); then
    for file in $words; do
      say "warning: $folder/$file is not known to git, so the flake does not see it ('git add -N' is enough)"
    done
  else
    case $words in
      *"dubious ownership"*) stop "this checkout belongs to another user ($(stat -c %U "$folder")), so git and Nix refuse it; make it yours with
  git clone --no-hardlinks '$folder' ~/checkout      (or: chown -R $(id -un) '$folder')
or have your word for it with: git config --global --add safe.directory '$folder'" ;;
    esac
  fi
  # A mark that is newer than its lock says that nothing has to be fetched.
  set --
  for lock in "$folder"/cloche.lock "$folder"/*/cloche.lock; do
    [ ! -e "$lock" ] || [ "$marks/locks$lock/done" -nt "$lock" ] || set -- "$@" --lock "$lock"
  done
  [ $# -eq 0 ] || bring "$@" || exit
}
