# Cloche's own command line, built from this repository's python/ by the same functions that build every project.
{ toolchain }:
let
  locks = import ../lib/lock.nix;
  settings = {
    name = "cloche";
    src = ../python;
    version = (builtins.fromTOML (builtins.readFile ../python/pyproject.toml)).project.version;
    exclude = [
      "cloche.lock"
      "tests"
    ];
    programs = [ ];
    variables = { };
    configSettings = { };
    python = {
      overrides = { };
      bytecode = "library";
    };
    # What the own tests use (cloche.nix) is no part of the command line.
    roles = [ ];
  };
in
(import ./project.nix {
  inherit toolchain settings;
  storeName = import ../lib/store-name.nix;
  selection = locks.select {
    lock = locks.read ../python/cloche.lock;
    path = "cloche.lock";
    inherit (toolchain) system;
    python = toolchain.python.version;
  };
}).application
