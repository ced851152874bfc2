# Options: Python, the lock, and what is taken from it.
{ config, lib, ... }:
let
  inherit (lib) mkOption types literalExpression;
  cfg = config.cloche;
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
      description = ''
        The lock. `nix run .#lock` always writes `cloche.lock` beside pyproject.toml: one that is kept elsewhere has to
        be copied from there after each run, and `nix run .#fetch` told of it by `--lock FILE`.
      '';
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
    bytecode = mkOption {
      type = types.enum [
        "library"
        "all"
      ];
      default = "library";
      description = ''
        Which modules of the dependencies get byte code: all but those in folders called `tests` (half of SciPy's, and
        pytest compiles test modules itself), or all.
      '';
    };
    overrides = mkOption {
      type = types.attrsOf override;
      default = { };
      example = literalExpression ''{ numpy.variables.NPY_BLAS_ORDER = "openblas"; }'';
      description = "What single packages need to be different.";
    };
  };
}
