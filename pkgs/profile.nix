# Samples of an experiment's stacks, or of the slowest tests', for one revision or for two: a folder with record.json
# and the stacks for each. Samples are no function of their inputs: this is never rebuilt to compare.
{ toolchain }:
let
  own = import ./python/cloche.nix { inherit toolchain; };
in
{
  name,
  # The experiment's name among the options, its command, and the file that it has to write; null for tests.
  profile ? null,
  command ? [ ],
  result ? null,
  # The log of packages.test-results, which has the durations, pytest's arguments, and which tests are slow.
  durations ? null,
  arguments ? [ ],
  slowest ? 0,
  seconds ? 0,
  # { head, base }: environments.
  sides,
  # The project's unpacked wheel: its modules are the project's own.
  modules,
  files,
  variables,
  programs,
  # Samples a second, and whether compiled code is seen.
  rate,
  native,
}:
toolchain.runPython {
  inherit
    name
    profile
    command
    result
    durations
    arguments
    slowest
    seconds
    sides
    files
    variables
    programs
    rate
    native
    ;
  # Neither `reproduce` nor anybody else can expect it to come out the same.
  measurement = true;
  modules = "${modules}/${toolchain.python.sitePackages}";
  sampler = "${own.package "py-spy"}/bin/py-spy";
  script = ../python/src/cloche/profile/record.py;
}
