# The tests that the change between two trees can affect, as a folder: selection.json (all that is known, with a reason
# for each test), tests_to_run.txt (for pytest) and explanation.txt.
{ toolchain }:
let
  own = import ../python/cloche.nix { inherit toolchain; };
in
{
  name,
  project,
  # The trees before and after the change. (`base` is the toolchain's, in every derivation.)
  before,
  after,
  # The impact map, as `select-tests --record` wrote it.
  map,
  # packages.test-model and the rows that it was made of, or null.
  model,
  rows,
  recall,
  # Seconds of tests, or null.
  budget,
  # Globs of files that no test depends on.
  unrelated,
}:
toolchain.runPython {
  inherit
    name
    project
    before
    after
    map
    model
    rows
    recall
    budget
    unrelated
    ;
  script = ../../python/src/cloche/selection/learned/selection.py;
  path = [
    (own.libraries "learn" [ "learn" ])
    (own.modules [ "selection/learned/selection.py" ])
  ];
}
