# A benchmark of one revision, or of two side by side: measured in one derivation, judged in another, whatever comes out
# (performance.json, performance.txt). Measurements are no function of their inputs: this is never rebuilt to compare.
{ toolchain }:
let
  own = import ./python/cloche.nix { inherit toolchain; };
in
{
  name,
  # Its name among the options.
  benchmark,
  # { head, base }: environments; without a base nothing is compared.
  sides,
  # { head, base }: what git calls them, or null.
  revisions,
  # A pytest-benchmark suite and pytest's arguments; or a command, and what it does before its work.
  suite ? [ ],
  arguments ? [ ],
  command ? [ ],
  setUp ? [ ],
  # Folders with files of the project, which are put together.
  files ? [ ],
  variables ? { },
  programs ? [ ],
  # "instructions", "time"
  instruments,
  # From which fraction on a change counts, of instructions and of time; and the rounds by which time is measured.
  gate,
  effect,
  runs,
  # The role `valgrind'.
  valgrind,
}:
let
  record = toolchain.runPython {
    name = "${name}-record";
    # Neither `reproduce` nor anybody else can expect it to come out the same.
    measurement = true;
    script = ../python/src/cloche/performance/measure.py;
    plugin = builtins.path {
      path = ../python/src/cloche/performance/pytest_counts.py;
      name = "pytest_counts.py";
    };
    inherit
      benchmark
      sides
      suite
      arguments
      command
      setUp
      files
      variables
      programs
      instruments
      runs
      valgrind
      ;
  };
in
toolchain.runPython {
  inherit name record;
  settings = {
    inherit benchmark revisions runs;
    instructions = gate;
    time = effect;
  };
  script = ../python/src/cloche/performance/judge.py;
  path = [
    (own.libraries "performance" [ "performance" ])
    (own.modules [ "performance/judge.py" ])
  ];
}
