# Cloche's own library under its own module.
{
  cloche = {
    src = ./python;
    directory = "python";
    systems = [
      "aarch64-linux"
      "x86_64-linux"
    ];
    # The tests of `cloche lock` work in git checkouts.
    roles = [ "git" ];
    tests = {
      enable = true;
      # Every capability's own tests import what it builds on.
      groups = [
        "test"
        "attest"
        "audit"
        "builders"
        "chaos"
        "image"
        "learn"
        "performance"
        "profile"
        "regression"
        "report"
        "sbom"
        "spdx-schema"
        "telemetry"
        "trace"
      ];
    };
    lint.enable = true;
    sbom.enable = true;
    provenance.enable = true;
    types = {
      enable = true;
      groups = [
        "types"
        "attest"
        "audit"
        "builders"
        "chaos"
        "image"
        "learn"
        "performance"
        "profile"
        "regression"
        "report"
        "sbom"
        "telemetry"
        "trace"
      ];
    };
  };
}
