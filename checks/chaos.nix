# Passes when the suite survives chaos: with the confidence and the limits that the options name; else shows which tests
# did not, which faults fired in them and where, and how to see each failure again.
{ toolchain }:
let
  own = import ../pkgs/python/cloche.nix { inherit toolchain; };
in
{
  name,
  # packages.test-results: the suite without chaos.
  results,
  # pkgs/chaos.nix, one for each seed.
  recordings,
  # The least share of (test, seed) pairs that survive.
  floor,
  # { safe, notReached, fragile, unasserted }: the most tests of each kind, null for any number.
  most,
}:
toolchain.runPython {
  inherit
    name
    results
    recordings
    floor
    most
    ;
  path = own.librariesOf [ "scipy" ] ++ [
    (own.modules [ "chaos/judge.py" ])
  ];
  script = ../python/src/cloche/chaos/judge.py;
}
