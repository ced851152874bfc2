# shellcheck shell=sh
# Read by ci/nix and others that run, or hand on, what lies in the cache folder; each has a function `stop`, which says
# something and ends with 3.

# check_cache FOLDER [USER]: make it, and stop where somebody else could put something into it or into its place.
check_cache() {
  [ -d "$1" ] || mkdir -p "$1" || stop "the cache folder can't be made (see above); name another one: CLOCHE_CACHE"
  case $1 in /*) path=$1 ;; *) path=$PWD/$1 ;; esac
  (check_place "$path" "$path" "${2:-$(id -u)}" '') || exit
}

# check_place CACHE PATH USER ABOVE: the path, what it lies in, and what links on the way lead to; ABOVE is not empty for
# what the cache lies in. One `ls` tells. A right that an access control list gives shows there as the group's.
check_place() {
  cache_folder=$1 user=$3 above=$4
  rest=${2%"${2##*[!/]}"}
  set -- "$rest"
  while [ -n "$rest" ]; do
    if [ -L "$rest" ]; then
      target=$(readlink "$rest")
      case $target in /*) ;; *) target=${rest%/*}/$target ;; esac
      if [ "$rest" = "$1" ]; then next=$above; else next=above; fi
      (check_place "$cache_folder" "$target" "$user" "$next") || exit
    fi
    rest=${rest%/*}
    set -- "$@" "${rest:-/}"
  done
  # In the user namespace of a container without root, all whom it doesn't map have one number, and so has root.
  unmapped=0
  if read -r inner outer _ </proc/self/uid_map && [ "$inner $outer" != '0 0' ]; then unmapped=$(cat /proc/sys/kernel/overflowuid); fi
  lines=$(LC_ALL=C ls -ldn -- "$@") || stop "the cache folder $cache_folder can't be looked at (see above); name another one: CLOCHE_CACHE"
  while read -r mode _ owner others; do
    entry=/${others#* /}
    case $owner in "$user" | 0 | "$unmapped") ;; *) refuse_cache "$entry" "it belongs to the user with the number $owner" ;; esac
    case $mode in
      l*) ;;
      # In a folder as /tmp nobody can replace what is another one's, but anybody can add: no place for the cache itself.
      d????????[tT]*) [ -n "$above" ] || [ "$entry" != "$1" ] || refuse_cache "$entry" "its mode is $mode" ;;
      d????w* | d???????w*) refuse_cache "$entry" "its mode is $mode" ;;
      d*) ;;
      *) refuse_cache "$entry" "it is no folder" ;;
    esac
  done <<LINES
$lines
LINES
}

refuse_cache() {
  stop "others can write to $1 ($2), so what would be run out of $cache_folder could be theirs. Take that right from
them, and remove the cache, since nobody knows what was written meanwhile:
  chmod go-w '$1'; rm -rf '$cache_folder'
or name a folder of your own for it: CLOCHE_CACHE"
}
