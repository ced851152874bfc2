# The program behind the app `audit`: what the check audits, as of today.
{ toolchain }:
# pkgs/audit/default.nix
report:
let
  own = import ../python/cloche.nix { inherit toolchain; };
  program = toolchain.runBash {
    name = "audit";
    inherit (report) sbom advisories;
    inherit (toolchain.tools) bash;
    command = "${own.commandLine [ "audit" ]}/bin/cloche";
    policy = builtins.toFile "policy.json" (builtins.toJSON report.policy);
    script = ''
      mkdir -p $out/bin
      cat > $out/bin/audit <<END
      #!$bash
      exec $command audit --sbom $sbom/sbom.cdx.json --advisories $advisories --policy $policy "\$@"
      END
      chmod +x $out/bin/audit
    '';
  };
in
"${program}/bin/audit"
