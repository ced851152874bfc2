# A model of the tests and its card, out of a file of rows. Its threads and the code that NumPy and OpenBLAS choose are
# fixed, so the same rows give the same bytes on every processor of the system.
{ toolchain }:
let
  own = import ../python/cloche.nix { inherit toolchain; };
in
{
  name,
  project,
  # What `train --export` wrote.
  rows,
  # The origins of rows that are taken; none where all are of one.
  origins,
}:
toolchain.runPython {
  inherit
    name
    project
    rows
    origins
    ;
  script = ../../python/src/cloche/selection/learned/build_model.py;
  path = [
    (own.libraries "learn" [ "learn" ])
    (own.modules [ "selection/learned/build_model.py" ])
  ];
}
