# One wheel, unpacked into a prefix of its own and byte-compiled.
{ toolchain, installer }:
let
  # Put into the store once for all wheels.
  script = builtins.path {
    path = ../python/src/cloche/wheel.py;
    name = "wheel.py";
  };
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
  disallowedReferences ? [ ],
}:
toolchain.runPython (
  {
    name = "${name}-${version}";
    path = [ installer ];
    inherit
      script
      file
      source
      exclude
      ;
    inherit (toolchain) loader libraries;
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
