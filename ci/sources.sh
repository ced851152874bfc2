# shellcheck shell=sh disable=SC2154,SC2031
# Read by ci/nix before each call: is the seed in the store, are the sources of the lock there? Both are told by marks
# that pkgs/fetch leaves, so that the usual answer costs a few file tests. (Its variables are ci/nix's; and ci/git.sh has a
# function of a subshell, with variables of the same names.)

bring() { # bring [fetch's arguments]: into the store that the user's call is about, which NIX_CONFIG names
  sh "$here/pkgs/fetch/fetch.sh" "$@" || exit
}

flake_folder() { # flake_folder ARGUMENTS: the local folder of the flake that the call is about, or nothing
  folder=$(pwd -P)
  for argument in "$@"; do
    case $argument in
      -- | --command | -c) break ;;
      --expr | --file | -f) folder='' && return ;;
      -*) continue ;;
      *'#'*) argument=${argument%%#*} ;;
    esac
    argument=${argument#path:} argument=${argument#git+file://} argument=${argument%%\?*}
    # Other arguments may be folders too (--store DIR), but not a flake's.
    if [ -n "$argument" ] && [ -e "$argument/flake.nix" ]; then
      folder=$(CDPATH='' cd -- "$argument" && pwd -P)
      break
    fi
  done
  while [ -n "$folder" ] && [ ! -e "$folder/flake.nix" ]; do folder=${folder%/*}; done
}

check_sources() {
  read -r seed <"$here/pkgs/toolchain/debian/pins/$(uname -m)-linux/seed.hash" ||
    stop "the toolchain is not pinned for $(uname -m)-linux; the pins are in pkgs/toolchain/debian/pins"
  if ! target=$(readlink "$marks/seeds/$seed") || [ ! -e "$root$target" ]; then
    # Where the store is another one than it was, or was collected, the marks of sources are void too.
    rm -rf "$marks/locks" "$marks/tools"
    bring --seed-only
  fi
  # Only what builds needs sources; and what brings them must not wait for them.
  case $verb in build | run | develop | shell | flake | print-dev-env) ;; *) return 0 ;; esac
  case " $* " in
    *"#fetch "* | *"#vendor "* | *" flake show "* | *" flake metadata "* | *" flake lock "* | *" flake update "* | *" flake init "*) return 0 ;;
  esac
  tools=''
  for lock in "$here/python/cloche.lock" "$here/pkgs/toolchain/debian/pins/$(uname -m)-linux/licenses.json"; do
    [ "$marks/tools/done" -nt "$lock" ] || tools=stale
  done
  flake_folder "$@"
  [ -z "$folder" ] || warn_of_untracked
  # A lock that is being made now needs only the tools.
  case " $* " in *"#lock "*) folder='' ;; esac
  set --
  for lock in "$folder"/cloche.lock "$folder"/*/cloche.lock; do
    # A mark that is newer than its lock says that nothing has to be fetched.
    [ -z "$folder" ] || [ ! -e "$lock" ] || [ "$marks/locks$lock/done" -nt "$lock" ] || set -- "$@" --lock "$lock"
  done
  if [ $# -gt 0 ]; then bring "$@"; elif [ -n "$tools" ]; then bring --tools-only; fi
}

warn_of_untracked() {
  top=$folder
  while [ -n "$top" ] && [ ! -e "$top/.git" ]; do top=${top%/*}; done
  [ -n "$top" ] || return 0
  # shellcheck source=ci/git.sh
  . "$here/ci/git.sh"
  if words=$(safe_git "$folder" ls-files --others --exclude-standard -- '*.py' '*cloche.lock' 2>&1); then
    [ -z "$words" ] || printf '%s\n' "$words" | head -n 5 | while read -r file; do
      say "warning: $folder/$file is not known to git, so the flake does not see it ('git add -N' is enough)"
    done
    return
  fi
  case $words in
    *"dubious ownership"*)
      stop "this checkout belongs to another user ($(stat -c %U "$top")), so git and Nix refuse it; make it yours with
  cp -r '$top' ~/checkout
or trust its owner with
  git config --global --add safe.directory '$top'"
      ;;
  esac
  say "warning: git can't tell which files of $folder the flake does not see: $words"
}

build_elsewhere() { # run nix build where /nix is not the store's place on the disk, and say where what it made lies
  "$nix" "$@" || exit
  link=result previous=''
  for argument in "$@"; do
    case $previous in -o | --out-link) link=$argument ;; esac
    case $argument in --no-link) exit 0 ;; esac
    previous=$argument
  done
  for name in "$link" "$link"-*; do
    if [ -L "$name" ] && [ ! -e "$name" ]; then
      say "$name names $(readlink "$name"), which on this disk is $root$(readlink "$name")"
    fi
  done
  exit 0
}
