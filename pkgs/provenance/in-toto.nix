# The links and the layout of a project's steps, not signed: a folder STEP.json ... layout.json for `cloche sign`.
{ toolchain }:
let
  own = import ../python/cloche.nix { inherit toolchain; };
in
{
  name,
  # In the order in which they are done, each { name, command, materials, products }; what is used and made is a list of
  # { at, path, from, same }: a file called `at`, or a folder whose files lie below it. `from` is the step that made it,
  # or null; `same` maps files of a folder to the step that had a material of that name.
  steps,
}:
toolchain.runPython {
  inherit name steps;
  script = ../../python/src/cloche/attest/in_toto.py;
  path = own.librariesOf [ "rfc8785" ] ++ [
    (own.modules [ "attest/in_toto.py" ])
  ];
}
