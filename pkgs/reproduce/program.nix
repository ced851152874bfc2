# The program behind `nix run .#reproduce`: Cloche's command line with what it repeats builds with. That comes as
# derivations which are built on first use, since it needs compilers.
{
  toolchain,
  # The command line, and the program that fetches (pkgs/programs.nix).
  cloche,
  fetch,
}:
let
  # Not built with the program; only known to it.
  later = derivation: builtins.unsafeDiscardOutputDependency derivation.drvPath;
  program = toolchain.runBash {
    name = "reproduce";
    settings = builtins.toJSON {
      tools = later (import ./. { inherit toolchain; });
      planted = builtins.mapAttrs (_: later) (import ./planted.nix { inherit toolchain; });
      roles = [
        "cc"
        "reproduce"
      ];
      inherit fetch;
      inherit (toolchain) environment;
    };
    inherit (toolchain.tools) bash;
    inherit cloche;
    script = ''
      mkdir -p $out/bin
      printf '%s\n' "$settings" > $out/settings.json
      cat > $out/bin/reproduce <<END
      #!$bash
      exec $cloche/bin/cloche reproduce --settings $out/settings.json "\$@"
      END
      chmod +x $out/bin/reproduce
    '';
  };
in
"${program}/bin/reproduce"
