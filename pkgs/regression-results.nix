# All experiments' results and comparisons, as one folder with a link for each; each is an attribute of its own, too.
{ toolchain }:
{
  name,
  # name -> pkgs/regression.nix
  comparisons,
}:
let
  folder = toolchain.runBash {
    inherit name;
    names = builtins.attrNames comparisons;
    folders = builtins.attrValues comparisons;
    script = ''
      mkdir $out
      set -- $folders
      for each in $names; do
        ln -s "$1" "$out/$each"
        shift
      done
      exit 0
    '';
  };
  taken = builtins.attrNames (builtins.intersectAttrs comparisons folder);
  strange = builtins.filter (each: builtins.match "[A-Za-z][A-Za-z0-9_-]*" each == null) (
    builtins.attrNames comparisons
  );
in
if taken ++ strange != [ ] then
  throw "cloche.regression: ${builtins.head (taken ++ strange)} can't be the name of an experiment; begin with a letter, go on with letters, digits, _ and -, and take no word that derivations have for themselves"
else
  folder // comparisons
