# revision-date.nix: the day of a flake's revision.
lib: {
  own = true;
  cases = {
    "revisionDate: as Nix has it" = {
      expr = lib.revisionDate { lastModifiedDate = "20260301123456"; };
      expected = "2026-03-01";
    };
  };
  errors = {
    "revisionDate: none" = {
      expr = lib.revisionDate { };
      message = "cloche.tests.quarantine needs the date of the flake's revision";
    };
  };
}
