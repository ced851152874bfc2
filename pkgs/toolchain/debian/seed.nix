# The seed: Debian packages as unpacked. Nothing in an empty store could unpack them, so ci/nix and the app `fetch`
# put this tree in place; asking Nix to make it only shows what to do.
{ system, pins }:
derivation {
  name = "cloche-seed";
  inherit system;
  builder = "builtin:fetchurl";
  # builtin:fetchurl shows its address when it fails, and this text is what the user needs then.
  url = "cloche:the-toolchain's-seed-is-not-in-the-store--run--ci/nix--or--nix-run-.#fetch--first";
  outputHashMode = "recursive";
  outputHash = builtins.replaceStrings [ "\n" ] [ "" ] (builtins.readFile (pins + "/seed.hash"));
  preferLocalBuild = true;
}
