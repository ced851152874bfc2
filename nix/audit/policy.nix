# Options: what an audit accepts.
{ lib, ... }:
let
  inherit (lib) mkOption types;
  level = types.enum [
    "none"
    "low"
    "medium"
    "high"
    "critical"
  ];
  verdict = types.enum [
    "report"
    "fail"
  ];
  texts =
    example: description:
    mkOption {
      type = types.listOf types.str;
      default = [ ];
      inherit example description;
    };
in
{
  options.cloche.audit = {
    maximumAge = mkOption {
      type = types.ints.unsigned;
      default = 30;
      description = "How many days the newest advisory may be old.";
    };
    ceiling = mkOption {
      type = level;
      default = "none";
      description = "The highest severity that passes.";
    };
    unknownSeverity = mkOption {
      type = types.either level (types.enum [ "unknown" ]);
      default = "unknown";
      description = "What a severity that no advisory states counts as; \"unknown\" is above any ceiling.";
    };
    notAudited = mkOption {
      type = verdict;
      default = "report";
      description = "Whether components that no advisory's ecosystem covers are reported or make the audit fail.";
    };
    licenses = {
      denied = texts [ "AGPL-*" ] "SPDX identifiers, or patterns of them, of licences that are not wanted.";
      permitted = texts [
        "GPL-3.0-or-later WITH GCC-exception-3.1"
      ] "Expressions that are wanted though `denied` matches their licence: those with an exception.";
      unknown = mkOption {
        type = verdict;
        default = "report";
        description = "Whether components without a known licence are reported or make the audit fail.";
      };
    };
  };
}
