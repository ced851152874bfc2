# shellcheck shell=sh
# Read by ci/sources.sh and ci/offline-inputs: git as python/src/cloche/store/git.py asks it, so that nothing runs which a
# checkout names, be it by its own configuration or by that of a folder in it which looks like a repository. It converts no
# file here: of filters, which have names of their own choice, nothing is said. Names of files come quoted, so that none
# moves what a terminal shows.

safe_git() ( # safe_git FOLDER ARGUMENTS
  folder=$1
  shift
  # What the environment says of git is about another repository, or names options and programs.
  # shellcheck disable=SC2046 # names have no blanks
  case $(export -p) in *GIT_*) unset $(env | sed -n 's/^\(GIT_[A-Za-z0-9_]*\)=.*/\1/p') ;; esac
  LC_ALL=C GIT_ALLOW_PROTOCOL='' GIT_NO_LAZY_FETCH=1 GIT_TERMINAL_PROMPT=0 GIT_OPTIONAL_LOCKS=0
  export LC_ALL GIT_ALLOW_PROTOCOL GIT_NO_LAZY_FETCH GIT_TERMINAL_PROMPT GIT_OPTIONAL_LOCKS
  exec git --no-pager -C "$folder" -c core.fsmonitor=false -c core.hooksPath=/dev/null -c log.showSignature=false \
    -c safe.bareRepository=explicit -c core.quotePath=true "$@"
)
