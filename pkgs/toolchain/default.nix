# The toolchain for a system. What it returns is described in docs/toolchain.md; a consumer can hand in its own.
{
  system,
}:
let
  pinned = builtins.attrNames (builtins.readDir ./debian/pins);
in
if builtins.elem system pinned then
  import ./debian { inherit system; }
else
  throw "Cloche's debian toolchain is pinned for ${builtins.concatStringsSep " and " pinned}, not for ${system}; hand in a toolchain of your own by the option cloche.toolchain"
