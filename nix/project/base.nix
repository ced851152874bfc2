# Option: the revision that performance and profiles are compared with, and the environments that can be made of it.
{
  config,
  lib,
  system,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.cloche;
  locks = import ../../lib/lock;
in
{
  options.cloche = {
    base = mkOption {
      type = types.nullOr types.path;
      default = null;
      example = lib.literalExpression "inputs.base.outPath";
      description = ''
        The project's folder, as `src`, of the revision that performance and profiles are compared with: normally that
        of an input with `flake = false`. `nix run .#performance -- --base REV` takes one from git instead.
      '';
    };
    # src -> name -> [ group ] -> derivation, with the project of that folder and what its own lock names; all else is
    # configured as it is here.
    environmentAt = mkOption {
      type = types.raw;
      internal = true;
      readOnly = true;
      description = "Environments of another revision of the project.";
    };
  };
  config.cloche.environmentAt =
    src:
    let
      path = baseNameOf cfg.python.lock;
      lock = locks.read (src + "/${path}");
      selection = locks.select {
        inherit lock system;
        path = "${path} of the base";
        python = cfg.python.version;
        inherit (cfg.python) sdists;
      };
      project = import ../../pkgs/python/project.nix {
        inherit (cfg) toolchain;
        storeName = import ../../lib/lock/store-name.nix;
        inherit selection;
        settings = cfg // {
          inherit src;
          version = (locks.pyproject src).project.version or cfg.version;
        };
      };
    in
    name: groups:
    if !builtins.pathExists (src + "/pyproject.toml") then
      throw "the base has no pyproject.toml: ${toString src}; cloche.base is the project's folder, as cloche.src is"
    else if
      locks.fresh {
        inherit lock src;
        path = "${path} of the base";
      }
    then
      project.environment {
        name = "${cfg.name}-${name}";
        packages = selection.namesOf ([ "default" ] ++ groups);
        more = [ project.unpacked ];
      }
    else
      null;
}
