# Outputs that only Cloche's own flake has: the app `demo`, its documents, and what its tests need.
{
  config,
  self,
  system,
  ...
}:
let
  inherit (config.cloche) toolchain;
  programs = import ../../pkgs/programs.nix { inherit toolchain; };
  docs = import ../../pkgs/docs.nix {
    inherit toolchain;
    modules = import ../. ++ [ ../outputs.nix ];
  };
  program = toolchain.runBash {
    name = "demo";
    demo = builtins.path {
      path = ../../examples/demo.py;
      name = "demo.py";
    };
    inherit (programs) fetch;
    inherit (toolchain.tools) python bash;
    # The example in the checkout where the user stands, else the one of this flake.
    example = "${self.outPath}/examples/branin";
    script = ''
      mkdir -p $out/bin
      cat > $out/bin/demo <<END
      #!$bash
      example=$example
      [ -e examples/branin/cloche.nix ] && example=\$PWD/examples/branin
      exec $python -I $demo "\$example" $fetch
      END
      chmod +x $out/bin/demo
    '';
  };
  # The example with the capabilities that it does not use: the documents name a consumer's outputs. Only the names are
  # taken, so nothing of it is built.
  everything = import ../mk-flake.nix { inherit self; } {
    imports = [ ../../examples/branin/cloche.nix ];
    cloche.audit.enable = true;
  };
in
{
  # What ci/test runs the integration tests with.
  packages.test-environment = config.cloche.build.environmentOf "test-environment" [
    "attest"
    "browser"
    "test"
    "trace"
  ];
  # What `ci/bench fuzz` runs the targets of python/tests/fuzz_targets.py with.
  packages.fuzz-environment = config.cloche.build.environmentOf "fuzz-environment" [
    "attest"
    "audit"
    "builders"
    "fuzz"
    "image"
    "regression"
    "telemetry"
  ];
  packages.docs = docs.reference;
  checks.docs = import ../../checks/own/docs.nix { inherit toolchain; } {
    inherit (docs) reference;
    outputs = builtins.mapAttrs (
      kind: own: builtins.attrNames (own // everything.${kind}.${system})
    ) { inherit (config) packages checks devShells apps legacyPackages; };
  };
  checks.postgresql = import ../../checks/own/postgresql.nix { inherit toolchain; } {
    environment = config.cloche.build.environmentOf "postgresql-tests" [
      "chaos"
      "regression"
      "telemetry"
      "test"
    ];
  };
  # The server of that check.
  cloche.lockedRoles = [ "postgresql" ];
  checks.imports = import ../../checks/own/imports.nix { inherit toolchain; };
  checks.sentences = import ../../checks/own/sentences.nix { inherit toolchain; };
  checks.nix-style = import ../../checks/own/nix-style.nix { inherit toolchain; };
  # What `reproduce` must catch.
  legacyPackages.planted = import ../../pkgs/reproduce/planted.nix { inherit toolchain; };
  legacyPackages.bashInteractive = toolchain.base;
  apps.docs = {
    type = "app";
    program = docs.renew;
    meta.description = "Renew docs/options.md from the options";
  };
  apps.demo = {
    type = "app";
    program = "${program}/bin/demo";
    meta.description = "Build a real scientific project and show what came out";
  };
}
