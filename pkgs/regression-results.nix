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
in
if taken != [ ] then
  throw "cloche.regression.${builtins.head taken} can't be the name of an experiment: derivations have an attribute of that name; choose another"
else
  folder // comparisons
