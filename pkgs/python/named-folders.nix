# What several derivations made, as one folder with a link for each; each is an attribute of its own, too.
{ toolchain }:
{
  name,
  # The option whose attributes they are, for the message.
  option,
  # name -> derivation
  folders,
}:
let
  folder = toolchain.runBash {
    inherit name;
    names = builtins.attrNames folders;
    folders = builtins.attrValues folders;
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
  taken = builtins.attrNames (builtins.intersectAttrs folders folder);
in
if taken != [ ] then
  throw "${option}.${builtins.head taken} can't have this name: derivations have an attribute of that name; choose another"
else
  folder // folders
