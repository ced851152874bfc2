# The derivations that follow from the lock and the configuration, for the modules that make outputs of them.
{
  config,
  lib,
  system,
  ...
}:
let
  cfg = config.cloche;
  locks = import ../../lib/lock;
  # flake-parts enforces no assertions, so whatever is built asks for them here.
  checked = value: builtins.seq (import ../../lib/modules/check-config.nix lib config) value;
  lockFile = cfg.python.lock;
  lock =
    let
      found = locks.read lockFile;
    in
    # Everything that comes from the lock asks first whether it is current.
    if
      locks.fresh {
        lock = found;
        path = baseNameOf lockFile;
        src = cfg.src;
      }
    then
      found
    else
      null;
  # Every package that the lock has for any system, build tools included: what overrides can be about.
  locked = builtins.concatMap (
    environment:
    builtins.attrNames environment.packages
    ++ builtins.concatMap (build: builtins.attrNames build.packages) (
      builtins.attrValues environment.builds
    )
  ) (builtins.concatMap builtins.attrValues (builtins.attrValues lock.environments));
  strange = lib.subtractLists locked (builtins.attrNames cfg.python.overrides);
in
{
  options.cloche.build = lib.mkOption {
    type = lib.types.raw;
    internal = true;
    readOnly = true;
    description = "The derivations that the configuration makes; other modules take them from here.";
  };

  config.cloche.build =
    let
      selection = locks.select {
        inherit lock system;
        path = baseNameOf lockFile;
        python = cfg.python.version;
        inherit (cfg.python) sdists;
        roles = cfg.lockedRoles;
      };
      project = import ../../pkgs/python/project.nix {
        inherit (cfg) toolchain;
        storeName = import ../../lib/lock/store-name.nix;
        inherit selection;
        settings = cfg;
      };
    in
    checked (
      project
      // {
        inherit selection;
        # environmentOf : string -> [ group ] -> derivation, with the project in it.
        environmentOf =
          name: groups:
          project.environment {
            name = "${cfg.name}-${name}";
            packages = selection.namesOf ([ "default" ] ++ groups);
            more = [ project.unpacked ];
          };
      }
    );
  config.assertions = [
    {
      assertion = cfg.python.overrides == { } || strange == [ ];
      message = "cloche.python.overrides names ${builtins.concatStringsSep ", " strange}, but the lock has no such package; write the name as cloche.lock has it, or take it out.";
    }
    {
      assertion = cfg.python.version == cfg.toolchain.python.version;
      message = "cloche.python.version is ${cfg.python.version}, but the toolchain `${cfg.toolchain.name}' has Python ${cfg.toolchain.python.version}.";
    }
  ];
}
