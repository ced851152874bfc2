# revisionDate : flake -> "2026-03-01"
#
# The day of a flake's revision, for what ends at a date: an evaluation knows no other day, and builds none.
flake:
let
  date =
    flake.lastModifiedDate
      or (throw "cloche.tests.quarantine needs the date of the flake's revision, and this flake has none (lastModifiedDate)");
  part = from: length: builtins.substring from length date;
in
"${part 0 4}-${part 4 2}-${part 6 2}"
