# shellcheck shell=bash disable=SC2154
# Make the sandbox a place where ordinary programs work, then run the derivation's script (see run.py).
# The last command is bash's own: when a coreutils program is the last process, Nix sees its standard output
# close before it ends and may kill it.
export PATH="$path" HOME="$NIX_BUILD_TOP" TMPDIR="$NIX_BUILD_TOP"
[ -e /bin/sh ] || { mkdir -p /bin; ln -s "$base/bin/bash" /bin/sh; }
[ -e /usr/bin/env ] || { mkdir -p /usr/bin; ln -s "$base/bin/env" /usr/bin/env; }
set -euo pipefail
cd "$NIX_BUILD_TOP"
eval "$script"
exit 0
