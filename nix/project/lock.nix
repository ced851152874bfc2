# Output: `checks.lock`, which passes when the lock is current and holds what the configuration asks for. The work is
# done by evaluation, whose errors name the command to run.
{ config, lib, ... }:
let
  cfg = config.cloche;
  # Every group that the configuration names; one that the lock lacks is an error here.
  groups =
    cfg.python.groups
    ++ builtins.concatMap (shell: shell.groups) (builtins.attrValues cfg.shells)
    ++ lib.optionals cfg.tests.enable cfg.tests.groups
    ++ lib.optionals cfg.lint.enable cfg.lint.groups
    ++ lib.optionals cfg.types.enable cfg.types.groups;
  packages = cfg.build.selection.namesOf ([ "default" ] ++ groups);
in
{
  checks.lock = cfg.toolchain.runBash {
    name = "${cfg.name}-lock";
    script = "echo ${toString (builtins.length packages)} packages are locked > $out";
  };
}
