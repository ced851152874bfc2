# Cloche's own library under its own module.
{ config, ... }:
{
  cloche = {
    src = ./python;
    directory = "python";
    systems = [
      "aarch64-linux"
      "x86_64-linux"
    ];
    tests = {
      enable = true;
      # The builders' own tests import what runs inside derivations.
      groups = [
        "test"
        "builders"
      ];
      programs = [ config.cloche.toolchain.roles.git ];
    };
    lint.enable = true;
    types = {
      enable = true;
      groups = [
        "types"
        "builders"
      ];
    };
  };
}
