# Options: vulnerabilities that an audit leaves, each for a reason and until a day.
{ lib, ... }:
let
  inherit (lib) mkOption types;
  optional =
    type: example: description:
    mkOption {
      type = types.nullOr type;
      default = null;
      inherit example description;
    };
in
{
  options.cloche.audit.ignore = mkOption {
    default = [ ];
    description = "Vulnerabilities that are known and left for now; they come out as VEX.";
    type = types.listOf (
      types.submodule {
        options = {
          id = mkOption {
            type = types.nonEmptyStr;
            example = "CVE-2024-3651";
            description = "The advisory's id, or one of its aliases.";
          };
          reason = mkOption {
            type = types.nonEmptyStr;
            description = "Why it is left.";
          };
          expires = mkOption {
            type = types.strMatching "[0-9]{4}-[0-9]{2}-[0-9]{2}";
            example = "2026-12-31";
            description = "The last day on which it is left.";
          };
          package = optional types.nonEmptyStr "idna" "The package; without one it is left wherever it occurs.";
          state = mkOption {
            type = types.enum [
              "in_triage"
              "not_affected"
              "false_positive"
              "exploitable"
            ];
            default = "in_triage";
            description = "What the VEX says of it (CycloneDX, impact analysis).";
          };
          justification = optional types.nonEmptyStr "code_not_reachable" "Why it is not affected, where that is its state.";
        };
      }
    );
  };
}
