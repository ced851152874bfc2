# What is claimed about the outputs: a folder ATTRIBUTE/{provenance,test-result,sbom}.json of in-toto statements. It
# depends on nothing but hashes; who built and who vouches for it is said by who signs.
{ toolchain }:
let
  own = import ../python/cloche.nix { inherit toolchain; };
  # A .drv file with all that it refers to, which are the .drv files that it is built from: the builder reads them, and
  # none of them has to be built, nor written while `nix flake check --no-build` evaluates.
  derivationOf = package: builtins.unsafeDiscardOutputDependency package.drvPath;
in
{
  name,
  # Each { attribute, package, kind, sbom }: kind is "tree", "files" (a folder of nothing but files) or "image"; sbom is
  # a folder with sbom.cdx.json, or null.
  outputs,
  # packages.test-results, or null.
  results,
  # { reference, revision, narHash } of the flake; each may be null.
  source,
  # Each { name, uri, rev, narHash }: inputs of the flake.
  inputs,
  # name -> sha256 of lock files.
  locks,
  # The builder's id.
  builder,
}:
toolchain.runPython {
  inherit
    name
    source
    inputs
    locks
    ;
  script = ../../python/src/cloche/attest/make.py;
  path =
    own.librariesOf [
      "packageurl-python"
      "rfc8785"
    ]
    ++ [
      (own.modules [ "attest/make.py" ])
    ];
  builderId = builder;
  toolchainName = toolchain.name;
  subjects = map (output: {
    inherit (output) attribute kind sbom;
    name = output.package.imageName or output.attribute;
    path = output.package;
    output = output.package.outputName;
    derivation = derivationOf output.package;
  }) outputs;
  tests =
    if results == null then
      null
    else
      {
        inherit results;
        inherit (results) suites;
        derivation = derivationOf results;
      };
  # The digests of the NARs of the outputs and of all that they need, and of what the tests ran in.
  exportReferencesGraph.graph =
    map (output: output.package) outputs
    ++ (
      if results == null then
        [ ]
      else
        builtins.concatMap builtins.attrValues (builtins.attrValues results.suites)
    );
  # The statements name store paths; that is no reason to keep what they name.
  unsafeDiscardReferences.out = true;
}
