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
      # The builders' own tests import what runs inside derivations.
      groups = [
        "test"
        "audit"
        "builders"
        "sbom"
      ];
    };
    lint.enable = true;
    types = {
      enable = true;
      groups = [
        "types"
        "audit"
        "builders"
        "sbom"
      ];
    };
  };
}
