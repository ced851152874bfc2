# Passes when the statements fit their schemas, and list exactly the fixed outputs that Nix knows of.
{ toolchain }:
let
  own = import ../pkgs/cloche.nix { inherit toolchain; };
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
  script = ../python/src/cloche/check_provenance.py;
  path =
    own.librariesOf [
      "jsonschema"
      "rfc8785"
    ]
    ++ [
      (own.modules "cloche-check-provenance" [
        "attest"
        "canonical_json.py"
        "errors.py"
        "untrusted/__init__.py"
        "untrusted/walk.py"
      ])
    ];
  # Each .drv file, with all that it refers to.
  derivations = builtins.listToAttrs (
    map (output: {
      name = output.attribute;
      value = builtins.unsafeDiscardOutputDependency output.package.drvPath;
    }) outputs
  );
}
