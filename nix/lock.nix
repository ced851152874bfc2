# Output: `checks.lock`, which passes when the lock is current and holds what the configuration asks for. The work is
# done by evaluation, whose errors name the command to run.
{ config, ... }:
let
  cfg = config.cloche;
in
{
  checks.lock = cfg.toolchain.runBash {
    name = "${cfg.name}-lock";
    script = "echo ${toString (builtins.length cfg.build.selection.groups)} groups are locked > $out";
  };
}
