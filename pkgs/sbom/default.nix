# The SBOM of a closure: a folder with sbom.cdx.json (CycloneDX 1.6) and sbom.spdx.json (SPDX 2.3).
{ toolchain }:
let
  own = import ../python/cloche.nix { inherit toolchain; };
in
{
  # What the subject is called, its version, and what it is: "application", "environment" or "image".
  name,
  version,
  kind ? "application",
  # The store paths whose closure is described; one, unless `image` names the subject.
  roots,
  # For an image: a folder with the file `digest`, its manifest's.
  image ? null,
  # pkgs/sbom/known.nix
  known,
  # The folder with the project's wheel.
  wheel,
  # The project's revision, null where the tree is dirty.
  revision ? null,
  # "runtime": what is in the closure of the roots; "build": what they were built from, with the table `locked`.
  scope ? "runtime",
  locked ? [ ],
}:
toolchain.runPython {
  name = "${name}-sbom" + (if scope == "build" then "-build" else "");
  script = ../../python/src/cloche/sbom/build.py;
  path = [
    (own.libraries "sbom" [ "sbom" ])
    (own.modules [ "sbom/build.py" ])
  ];
  subject = name;
  inherit
    version
    kind
    roots
    image
    known
    wheel
    revision
    scope
    locked
    ;
  inherit (toolchain) loader;
  clocheVersion = own.version;
  # The closure of a .drv holds all derivations, their sources and what they made.
  exportReferencesGraph.closure = if scope == "build" then map (root: root.drvPath) roots ++ roots else roots;
  # A document about store paths does not need them.
  unsafeDiscardReferences.out = true;
}
