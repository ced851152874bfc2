# Passes when the audit found nothing that its policy does not accept; else shows the report.
{ toolchain }:
{
  name,
  # pkgs/audit/default.nix
  report,
}:
toolchain.runPython {
  inherit name report;
  script = ../python/src/cloche/audit/check.py;
}
