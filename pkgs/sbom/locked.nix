# Every published file that the project's lock, Cloche's own and the toolchain's pins name, for looking up what a
# fixed-output derivation holds by its sha256.
{ toolchain, selection }:
let
  own =
    (builtins.fromJSON (builtins.readFile ../../python/cloche.lock))
    .environments.${toolchain.system}.${toolchain.python.version} or {
      packages = { };
      builds = { };
    };
  packagesOf =
    environment:
    [ environment.packages ] ++ map (build: build.packages) (builtins.attrValues environment.builds);
  locked = builtins.concatMap (
    packages:
    builtins.attrValues (
      builtins.mapAttrs (name: entry: {
        inherit name;
        inherit (entry) version file sha256;
        license = entry.license or null;
      }) packages
    )
  ) (packagesOf own ++ packagesOf selection);
in
locked ++ builtins.concatMap (prefix: prefix.packages) (toolchain.contents or [ ])
