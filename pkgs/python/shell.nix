# A development shell: a plain derivation whose builder is bash, which is all that `nix develop` asks for.
{ toolchain }:
{
  # The shell's name, and the project's.
  name,
  project,
  # Where the project lies below the flake's folder, if it is to be imported from there.
  directory ? null,
  environment,
  programs ? [ ],
  variables ? { },
  hook ? "",
}:
derivation (
  variables
  // {
    name = "${project}-${name}";
    inherit (toolchain) system;
    # `nix develop` asks for the variable.
    outputs = [ "out" ];
    builder = toolchain.tools.bash;
    args = [
      "-c"
      "echo 'enter this shell with: nix develop .#${name}' > $out; exit 0"
    ];
    # `nix develop` puts the user's own PATH behind this one.
    PATH = builtins.concatStringsSep ":" (map (prefix: "${prefix}/bin") ([ environment ] ++ programs));
    shellHook = ''
      export CLOCHE_PROJECT_ROOT=$PWD
      while [ ! -e "$CLOCHE_PROJECT_ROOT/flake.nix" ] && [ -n "$CLOCHE_PROJECT_ROOT" ]; do
        CLOCHE_PROJECT_ROOT=''${CLOCHE_PROJECT_ROOT%/*}
      done
      ${
        if directory == null then
          ""
        else
          ''
            if [ ! -e "$CLOCHE_PROJECT_ROOT/${directory}/pyproject.toml" ]; then
              echo "${project} (${name}): no folder above $PWD has flake.nix and ${directory}/pyproject.toml," \
                "so the project itself cannot be imported; enter the shell from inside its checkout" >&2
            fi
          ''
      }
      # Root may write into the store, and pytest, which rewrites its plugins, would: the path were altered.
      if [ "$EUID" = 0 ] && [ -w ${builtins.storeDir} ]; then export PYTHONDONTWRITEBYTECODE=1; fi
      # Nothing of the build's world is left in the shell.
      unset builder out outputs system name shellHook
      hash -r
      case $- in
        *i*)
          banner() { echo "${project} (${name}): Python ${toolchain.python.full}, $# packages; leave with exit" >&2; }
          banner ${environment}/${toolchain.python.sitePackages}/*.dist-info
          unset -f banner
          ;;
      esac
      ${hook}
    '';
  }
)
