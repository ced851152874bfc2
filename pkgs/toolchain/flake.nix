# What `nix develop` takes its interactive bash from when ci/nix points the flake registry here, so that it need not
# look for nixpkgs (and wait for the network, or download it).
{
  description = "Cloche's toolchain as far as `nix develop` needs it";
  outputs =
    _:
    let
      for = system: { bashInteractive = (import ./. { inherit system; }).base; };
    in
    {
      legacyPackages = {
        x86_64-linux = for "x86_64-linux";
        aarch64-linux = for "aarch64-linux";
      };
    };
}
