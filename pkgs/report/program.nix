# The program behind the app `report`: cloche report, which knows where the flake's artifacts are.
{ toolchain }:
# As python/src/cloche/report/sources.py reads them.
sources:
let
  own = import ../python/cloche.nix { inherit toolchain; };
  program = toolchain.runBash {
    name = "report";
    inherit (toolchain.tools) bash;
    command = "${
      own.commandLine [
        "regression"
        "report"
        "telemetry"
      ]
    }/bin/cloche";
    sources = builtins.toJSON sources;
    script = ''
      mkdir -p $out/bin
      printf '%s' "$sources" > $out/sources.json
      cat > $out/bin/report <<END
      #!$bash
      exec $command report --sources $out/sources.json "\$@"
      END
      chmod +x $out/bin/report
    '';
  };
in
"${program}/bin/report"
