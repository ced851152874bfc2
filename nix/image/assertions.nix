# What no container could have is told while evaluating; what only the files of the image tell, its builder says.
{ config, lib, ... }:
let
  cfg = config.cloche;
  plain =
    value:
    builtins.match "/.*" value != null
    && builtins.match "/nix(/.*)?|.*/\\.{1,2}(/.*)?|.*//.*" value == null;
  # 1 to 65535.
  number = "[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]";
  odd = builtins.concatMap (
    name:
    let
      image = cfg.images.${name};
      told =
        option: value:
        lib.optional (
          !plain value
        ) "cloche.images.${name}.${option} is ${value}; give it a plain path beside /nix.";
    in
    told "home" image.home
    ++ told "workingDirectory" image.workingDirectory
    ++ builtins.concatMap (told "volumes") image.volumes
    ++ map (
      port:
      "cloche.images.${name}.ports has ${port}; write NUMBER/tcp or NUMBER/udp, with a number from 1 to 65535."
    ) (builtins.filter (port: builtins.match "(${number})/(tcp|udp)" port == null) image.ports)
  ) (builtins.attrNames cfg.images);
  roots = builtins.filter (
    name: !cfg.images.${name}.allowRoot && builtins.match "0+:.*|.*:0+" cfg.images.${name}.user != null
  ) (builtins.attrNames cfg.images);
in
{
  config = lib.mkIf (cfg.images != { }) {
    assertions =
      map (message: {
        assertion = false;
        inherit message;
      }) odd
      ++ map (name: {
        assertion = false;
        message = "cloche.images.${name}.user is ${cfg.images.${name}.user}, which is root; give it numbers of its own, or set cloche.images.${name}.allowRoot.";
      }) roots;
  };
}
