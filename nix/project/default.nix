# Options: what the project is, and which files of it matter to its wheel.
{ config, lib, ... }:
let
  inherit (lib) mkOption types literalExpression;
  cfg = config.cloche;
  pyproject = (import ../../lib/lock).pyproject cfg.src;
in
{
  options.cloche = {
    # flake-parts has `self` at its top level only, so modules take the flake from here.
    flake = mkOption {
      type = types.raw;
      internal = true;
      default = { };
      description = "The consumer's flake, `self`: its revision, the hash of its source, its lock.";
    };
    src = mkOption {
      type = types.path;
      example = literalExpression "./.";
      description = "The project's folder: where its pyproject.toml is.";
    };
    name = mkOption {
      type = types.strMatching "[a-z0-9]+(-[a-z0-9]+)*";
      default = lib.toLower (
        builtins.replaceStrings [ "_" "." ] [ "-" "-" ] (
          pyproject.project.name or pyproject.tool.poetry.name
            or (throw "${toString cfg.src}/pyproject.toml has no project.name; set the option cloche.name")
        )
      );
      defaultText = literalExpression "project.name of pyproject.toml, normalised";
      example = "branin";
      description = "The project's name, normalised as an index does it: lower case, words joined by hyphens.";
    };
    version = mkOption {
      type = types.nullOr types.nonEmptyStr;
      default = pyproject.project.version or null;
      defaultText = literalExpression "project.version of pyproject.toml, or null";
      example = "1.4.0";
      description = ''
        The version. A project that takes it from git (setuptools_scm and its kin) must state it here, since a build
        sees no git: it is handed on as SETUPTOOLS_SCM_PRETEND_VERSION and PDM_BUILD_SCM_VERSION.
      '';
    };
    systems = mkOption {
      type = types.listOf types.str;
      default = [ "x86_64-linux" ];
      example = [
        "aarch64-linux"
        "x86_64-linux"
      ];
      description = "The systems that `nix run .#lock` locks, besides the one it runs on.";
    };
    directory = mkOption {
      type = types.str;
      default = ".";
      example = "python";
      description = "Where the project lies below the flake's folder; editable shells and the app `lock` use it.";
    };
    exclude = mkOption {
      type = types.listOf types.str;
      default = [
        ".github"
        ".gitignore"
        ".gitlab-ci.yml"
        "benchmarks"
        "cloche-tests.json"
        "cloche.lock"
        "cloche.nix"
        "doc"
        "docs"
        "examples"
        "flake.lock"
        "flake.nix"
        "poetry.lock"
        "test"
        "tests"
        "uv.lock"
      ];
      description = ''
        Paths below `src` that the wheel is not made from: editing them does not build it again. Tests and checks see
        the whole folder.
      '';
    };
    programs = mkOption {
      type = types.listOf types.raw;
      default = [ ];
      description = "Further derivations whose bin/ is on PATH while the project's wheel is built.";
    };
    variables = mkOption {
      type = types.attrsOf types.str;
      default = { };
      example = {
        CFLAGS = "-O3";
      };
      description = "Environment variables of the project's own build.";
    };
    configSettings = mkOption {
      type = types.attrsOf types.raw;
      default = { };
      example = {
        setup-args = [ "-Dblas=none" ];
      };
      description = "The config_settings (PEP 517) that the project's build backend is called with.";
    };
  };
}
