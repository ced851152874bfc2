# Passes when all recorded commands ended with 0; shows what they said.
{ toolchain }:
let
  recorded = import ../pkgs/commands.nix { inherit toolchain; };
in
# As pkgs/commands.nix has them; the check has the record as its attribute.
arguments:
toolchain.runPython {
  inherit (arguments) name;
  record = recorded (arguments // { name = "${arguments.name}-record"; });
  script = ../python/src/cloche/suite/judge_commands.py;
}
