# Passes when the statements fit their schemas, and list exactly the fixed outputs that Nix knows of.
{ toolchain }:
let
  own = import ../pkgs/python/cloche.nix { inherit toolchain; };
in
{
  name,
  # packages.provenance
  statements,
  # Each { attribute, package }.
  outputs,
}:
toolchain.runPython {
  inherit name statements;
  script = ../python/src/cloche/attest/check.py;
  path =
    own.librariesOf [
      "jsonschema"
      "rfc8785"
    ]
    ++ [
      (own.modules [ "attest/check.py" ])
    ];
  # Each .drv file, with all that it refers to.
  derivations = builtins.listToAttrs (
    map (output: {
      name = output.attribute;
      value = builtins.unsafeDiscardOutputDependency output.package.drvPath;
    }) outputs
  );
}
