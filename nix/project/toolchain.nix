# Options: which toolchain builds, and what of it the project uses.
{
  config,
  lib,
  system,
  ...
}:
{
  options.cloche.lockedRoles = lib.mkOption {
    type = lib.types.listOf lib.types.str;
    internal = true;
    description = "All roles that something configured needs; the lock records them, so that `fetch` brings them.";
  };
  config.cloche.lockedRoles = config.cloche.roles;
  options.cloche.roles = lib.mkOption {
    type = lib.types.listOf lib.types.str;
    default = [ ];
    example = [
      "cc"
      "git"
    ];
    description = ''
      The toolchain's roles, by name, whose programs are on PATH while the project is built and its tests run. A project
      with an extension in C, C++ or Fortran needs `cc`. The lock records them, so that `nix run .#fetch` knows what to
      bring: run `nix run .#lock` after a change.
    '';
  };
  options.cloche.toolchain = lib.mkOption {
    type = lib.types.raw;
    default = import ../../pkgs/toolchain { inherit system; };
    defaultText = lib.literalExpression "the pinned Debian toolchain";
    description = ''
      An attribute set by the contract of docs/toolchain.md. The default is Cloche's own, made of pinned Debian
      packages; it needs nothing but a Debian mirror.
    '';
  };
}
