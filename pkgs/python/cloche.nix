# Cloche's own Python, from this repository's python/ and its lock, by the same functions that build every project.
{ toolchain }:
let
  locks = import ../../lib/lock;
  settings = {
    name = "cloche";
    src = ../../python;
    version = (builtins.fromTOML (builtins.readFile ../../python/pyproject.toml)).project.version;
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
  selection = locks.select {
    lock = locks.read ../../python/cloche.lock;
    path = "cloche.lock";
    inherit (toolchain) system;
    python = toolchain.python.version;
  };
  project = import ./project.nix {
    inherit toolchain settings selection;
    storeName = import ../../lib/lock/store-name.nix;
  };
in
{
  inherit (settings) version;
  # commandLine : [ group ] -> derivation with bin/cloche; a verb works when the groups that it imports are there.
  commandLine = groups: project.applicationWith (selection.namesOf ([ "default" ] ++ groups));
  # libraries : string -> [ group ] -> folder for sys.path with the locked libraries of the groups, for builders.
  libraries =
    name: groups:
    "${
      project.environment {
        name = "cloche-${name}-libraries";
        packages = selection.namesOf groups;
      }
    }/${toolchain.python.sitePackages}";
  # librariesOf : [ package ] -> [ folder for sys.path ] with single locked libraries and what they need, for builders
  # that shall not change with the rest of a group.
  librariesOf =
    names:
    map ({ key }: "${project.set.packages.${key}}/${toolchain.python.sitePackages}") (
      builtins.genericClosure {
        startSet = map (key: { inherit key; }) names;
        operator = { key }: map (key: { inherit key; }) selection.packages.${key}.dependencies;
      }
    );
  # package : string -> one unpacked wheel of the lock.
  package = name: project.set.packages.${name};
  # entry : string -> what the lock says of one package.
  entry = name: selection.packages.${name};
  modules = import ./modules.nix;
}
