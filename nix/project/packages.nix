# Outputs: the packages that every project has.
{ config, lib, ... }:
let
  cfg = config.cloche;
in
{
  packages = {
    # The project's entry points and what they need.
    default = lib.mkDefault cfg.build.application;
    # The whole Python environment: project, dependencies and the groups of `python.groups`.
    env = cfg.build.environmentOf "env" cfg.python.groups;
    inherit (cfg.build) wheel sdist;
  };
}
