# A module: demands on the configuration that no single type can express. `lib.checkConfig` enforces them.
{ lib, ... }:
{
  options = {
    assertions = lib.mkOption {
      type = lib.types.listOf lib.types.raw;
      default = [ ];
      internal = true;
      example = lib.literalExpression ''
        [ { assertion = config.image.tag != ""; message = "`image.tag' is empty; give it a name."; } ]
      '';
      description = "Conditions that must hold; the messages of all that don't are shown at once.";
    };
    warnings = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      default = [ ];
      internal = true;
      description = "Messages to show without stopping.";
    };
  };
}
