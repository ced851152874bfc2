# Passes when what a project is made of comes out the same under other circumstances: everything is built a second time
# by a toolchain whose builds have another date, time zone, locale, hash seed and one processor, and the bytes are
# compared. The other derivations have other store paths, so their hashes are told apart from what they hold.
{ toolchain }:
let
  world = import ../pkgs/reproduce/world.nix { inherit toolchain; };
  # By variation, so that each can be left out.
  variables = {
    cores.NIX_BUILD_CORES = "1";
    date = {
      LD_PRELOAD = "${world}/lib/libfaketime.so.1";
      FAKETIME = "+400d";
      # Dates of files are content, and waiting takes as long as ever.
      NO_FAKE_STAT = "1";
      FAKETIME_DONT_FAKE_MONOTONIC = "1";
    };
    hashseed.PYTHONHASHSEED = "4242";
    locale = {
      LC_ALL = "tr_TR.UTF-8";
      LOCPATH = "${world}/lib/locale";
    };
    timezone.TZ = "Asia/Kathmandu";
  };
in
{
  inherit variables;
  # check : { name, variations, outputsOf } -> derivation
  check =
    {
      name,
      # Names of `variables`.
      variations,
      # outputsOf : toolchain -> [ derivation ]; what is compared, with all that it refers to.
      outputsOf,
    }:
    let
      varied = toolchain.varied (
        builtins.foldl' (found: variation: found // variables.${variation}) { } variations
      );
      planted =
        toolchain:
        let
          all = import ../pkgs/reproduce/planted.nix { inherit toolchain; };
        in
        map (variation: all.${variation}) variations;
    in
    toolchain.runPython {
      inherit name variations;
      script = ../python/src/cloche/reproduce/compare_builds.py;
      plantedFirst = planted toolchain;
      plantedSecond = planted varied;
      topsFirst = outputsOf toolchain;
      topsSecond = outputsOf varied;
      exportReferencesGraph = {
        first = outputsOf toolchain;
        second = outputsOf varied;
      };
    };
}
