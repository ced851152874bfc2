# Option: which toolchain builds.
{ lib, system, ... }:
{
  options.cloche.toolchain = lib.mkOption {
    type = lib.types.raw;
    default = import ../pkgs/toolchain { inherit system; };
    defaultText = lib.literalExpression "the pinned Debian toolchain";
    description = ''
      An attribute set by the contract of docs/toolchain.md. The default is Cloche's own, made of pinned Debian
      packages; it needs nothing but a Debian mirror.
    '';
  };
}
