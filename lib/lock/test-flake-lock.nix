# flake-lock.nix: inputs by their way through flake.lock, with nothing of this machine in their references.
lib:
let
  fetched = throw "an input was fetched";
  flake = lib.flakeLock {
    outPath = ./test-flake-lock;
    inputs = {
      cloche = fetched;
      data = fetched;
      flake-parts = fetched;
      here = fetched;
    };
  };
  # A flake without flake.lock.
  loose = lib.flakeLock {
    outPath = ../fixtures;
    inputs.cloche = {
      narHash = "sha256-x";
    };
  };
in
{
  own = true;
  cases = {
    "flakeLock: names are those of flake.nix" = {
      expr = flake.names;
      expected = [
        "cloche"
        "data"
        "flake-parts"
        "here"
      ];
    };
    "flakeLock: the digest is that of the file" = {
      expr = flake.digests."flake.lock" == builtins.hashFile "sha256" ./test-flake-lock/flake.lock;
      expected = true;
    };
    "flakeLock: a git input with its revision" = {
      expr = flake.input "cloche";
      expected = {
        name = "cloche";
        uri = "git+https://example.org/cloche?dir=sub&ref=refs/heads/main&rev=1111111111111111111111111111111111111111";
        rev = "1111111111111111111111111111111111111111";
        narHash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
      };
    };
    "flakeLock: an input that follows another" = {
      expr = (flake.input "flake-parts").uri;
      expected = "github:hercules-ci/flake-parts/2222222222222222222222222222222222222222";
    };
    "flakeLock: an input's input that follows another" = {
      expr = removeAttrs (flake.input "flake-parts/nixpkgs-lib") [ "narHash" ];
      expected = {
        name = "flake-parts/nixpkgs-lib";
        uri = "https://example.org/lib.tar.gz";
        rev = null;
      };
    };
    "flakeLock: a place on this machine is no reference" = {
      expr = (flake.input "data").uri;
      expected = null;
    };
    "flakeLock: what lies inside the flake is no input" = {
      expr = flake.input "here";
      expected = null;
    };
    "flakeLock: without flake.lock the inputs themselves are asked" = {
      expr = [
        loose.digests
        (loose.input "cloche")
      ];
      expected = [
        { }
        {
          name = "cloche";
          uri = null;
          rev = null;
          narHash = "sha256-x";
        }
      ];
    };
    "flakeLock: no flake at all" = {
      expr = [
        (lib.flakeLock { }).names
        (lib.flakeLock { }).digests
      ];
      expected = [
        [ ]
        { }
      ];
    };
  };
  errors = {
    "flakeLock: an input that is not there" = {
      expr = flake.input "flake-parts/nixpkgs";
      message = "cloche.provenance.inputs names flake-parts/nixpkgs, but flake.lock has no such input";
    };
    "flakeLock: an input that is not there, without flake.lock" = {
      expr = loose.input "nixpkgs";
      message = "cloche.provenance.inputs names nixpkgs, but flake.nix has no such input";
    };
  };
}
