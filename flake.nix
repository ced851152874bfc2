{
  description = "Cloche: hermetic, attested, self-testing builds for scientific Python";

  # Pinned, and fetched only by who uses them: the default path needs none. (An input called `nixpkgs` would be fetched
  # by every `nix develop`.)
  inputs = {
    nixpkgs-unstable.url = "github:NixOS/nixpkgs/nixos-unstable";
    nixpkgs-lib.url = "github:nix-community/nixpkgs.lib";
    flake-parts = {
      url = "github:hercules-ci/flake-parts";
      inputs.nixpkgs-lib.follows = "nixpkgs-lib";
    };
    pyproject-nix = {
      url = "github:pyproject-nix/pyproject.nix";
      inputs.nixpkgs.follows = "nixpkgs-lib";
    };
  };

  outputs = inputs: import ./nix/own/flake.nix inputs;
}
