# A development shell: a plain derivation whose builder is bash, which is all that `nix develop` asks for.
{ toolchain }:
{
  # The shell's name, and the project's.
  name,
  project,
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
      # Byte code of the checkout belongs to no store path; nothing else of the build's world is left in the shell.
      unset builder out outputs system name
      hash -r
      case $- in *i*) echo "${project} (${name}): Python ${toolchain.python.full}, $(( $(set -- ${environment}/${toolchain.python.sitePackages}/*.dist-info; echo $#) )) packages; leave with exit" >&2 ;; esac
      ${hook}
    '';
  }
)
