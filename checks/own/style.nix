# Passes when programs that judge files find nothing in the repository's own (ci/house/lint.py).
{
  toolchain,
  # With the programs, and with what the files import.
  environment,
}:
{
  name,
  # Of ci/house/lint.py.
  parts,
  # Which files there are, by their names: a pattern.
  wanted,
}:
let
  # What git knows of is not hidden, besides what only git reads; the rest lies in a folder that is no checkout.
  leftOut = "\\.git|result|__pycache__|\\..*_cache|\\.hypothesis";
in
toolchain.runPython {
  inherit name parts;
  script = ../../ci/house/lint.py;
  programs = environment;
  source = builtins.path {
    path = ../../.;
    name = "${name}-files";
    filter =
      file: type:
      let
        base = baseNameOf file;
      in
      builtins.match leftOut base == null && (type == "directory" || builtins.match wanted base != null);
  };
}
