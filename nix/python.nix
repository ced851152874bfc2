# Options: Python, the lock and what is taken from it; and the set of derivations that follows from them.
{
  config,
  lib,
  system,
  ...
}:
let
  inherit (lib) mkOption types literalExpression;
  cfg = config.cloche;
  locks = import ../lib/lock.nix;
  # flake-parts enforces no assertions, so whatever is built asks for them here.
  checked = value: builtins.seq (import ../lib/check-config.nix lib config) value;
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
  override = types.submodule {
    options = {
      exclude = mkOption {
        type = types.listOf types.str;
        default = [ ];
        example = [ "tests/*" ];
        description = "Files (patterns below site-packages or the prefix) to leave out, where another wheel has them too.";
      };
      programs = mkOption {
        type = types.listOf types.raw;
        default = [ ];
        description = "Further derivations whose bin/ is on PATH while the sdist is built.";
      };
      variables = mkOption {
        type = types.attrsOf types.str;
        default = { };
        description = "Environment variables while the sdist is built.";
      };
      settings = mkOption {
        type = types.attrsOf types.raw;
        default = { };
        description = "The config_settings (PEP 517) that its build backend is called with.";
      };
    };
  };
in
{
  options.cloche.python = {
    version = mkOption {
      type = types.strMatching "3\\.[0-9]+";
      default = cfg.toolchain.python.version;
      defaultText = literalExpression "the toolchain's";
      example = "3.11";
      description = "The Python version; the toolchain and the lock must have it.";
    };
    lock = mkOption {
      type = types.path;
      default = cfg.src + "/cloche.lock";
      defaultText = literalExpression "src + \"/cloche.lock\"";
      description = "The lock, made by `nix run .#lock`.";
    };
    groups = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "extra:plot" ];
      description = ''
        Dependency groups (PEP 735) and extras ("extra:NAME") that `packages.env` holds besides the project's own
        dependencies.
      '';
    };
    sdists = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "numpy" ];
      description = "Packages to build from their sdist although there is a wheel; `nix run .#lock` must be run after a change.";
    };
    compilers = mkOption {
      type = types.bool;
      default = false;
      description = "Whether the project's own build needs the compilers of the role `cc` (an extension in C, C++ or Fortran).";
    };
    overrides = mkOption {
      type = types.attrsOf override;
      default = { };
      example = literalExpression ''{ numpy.variables.NPY_BLAS_ORDER = "openblas"; }'';
      description = "What single packages need to be different.";
    };
  };
  options.cloche.build = mkOption {
    type = types.raw;
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
        inherit (cfg) roles;
      };
      project = import ../pkgs/project.nix {
        inherit (cfg) toolchain;
        storeName = import ../lib/store-name.nix;
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
  config.cloche.roles = lib.mkIf cfg.python.compilers [ "cc" ];
  config.assertions = [
    {
      assertion = cfg.python.version == cfg.toolchain.python.version;
      message = "cloche.python.version is ${cfg.python.version}, but the toolchain `${cfg.toolchain.name}' has Python ${cfg.toolchain.python.version}.";
    }
  ];
}
