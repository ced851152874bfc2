# An experiment's result beside its baseline: comparison.json and comparison.txt, whatever they say.
{ toolchain }:
let
  own = import ../python/cloche.nix { inherit toolchain; };
in
{
  name,
  experiment,
  # pkgs/regression/experiment.nix
  run,
  format,
  # The tables [[rule]] of docs/regression.md.
  rules,
  # The accepted result and who accepted it, null where there is none yet, and where they lie below the project.
  baseline,
  accepted,
  place,
  # A TOML file or null, and the day on which its waivers are judged: a derivation has no clock.
  waivers,
  day,
}:
toolchain.runPython {
  inherit
    name
    experiment
    run
    format
    rules
    baseline
    accepted
    place
    day
    ;
  waivers =
    if waivers == null then
      null
    else
      builtins.path {
        path = waivers;
        name = "waivers.toml";
      };
  script = ../../python/src/cloche/regression/judge.py;
  path = [
    (own.libraries "regression" [ "regression" ])
    (own.modules [ "regression/judge.py" ])
  ];
}
