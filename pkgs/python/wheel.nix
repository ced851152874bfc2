# One wheel, unpacked into a prefix of its own and byte-compiled.
{ toolchain, unpacker }:
let
  # The work is in `unpacker`, compiled, since starting and importing is most of what a small wheel costs. The garbage
  # collector takes a fifth of the time of compiling, and finds nothing that one short process needs back.
  script = builtins.toFile "unpack-wheel.py" ''
    import gc

    gc.disable()
    from cloche.environment.wheel import main
  '';
in
{
  # What the store path is called: name and version.
  name,
  version,
  # The file's own name, and the store path that holds it: the wheel, or a folder with the one wheel that was built.
  file,
  source,
  # Patterns of files to leave out, where another wheel has them too.
  exclude ? [ ],
  # For a wheel that was just built: the name and version that it must have (an empty version is any).
  built ? null,
  # What its build had in view: only what is an input here is found as a reference in the compressed wheel's files.
  considered ? [ ],
  # "library", or "all" for the packages' own test suites too.
  bytecode ? "library",
  disallowedReferences ? [ ],
}:
toolchain.runPython (
  {
    name = "${name}-${version}";
    path = [ unpacker ];
    inherit
      script
      file
      source
      exclude
      built
      considered
      bytecode
      ;
    inherit (toolchain) loader libraries manylinux;
    inherit (toolchain.tools) patchelf;
    inherit (toolchain.python) sitePackages;
  }
  // (
    if disallowedReferences == [ ] then
      { }
    else
      { outputChecks.out = { inherit disallowedReferences; }; }
  )
)
