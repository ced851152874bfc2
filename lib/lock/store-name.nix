# storeName : string -> string
#
# The name of a source in the store: what Nix forbids becomes "_". `cloche.lock.names.store_name` computes the same, so
# that a file brought by `fetch` has the path that evaluation expects.
name:
let
  allowed = "[A-Za-z0-9+._?=-]";
  plain = builtins.match "${allowed}*" name != null;
  # A run of forbidden bytes is one separator, whose length says how many "_" it becomes.
  parts = builtins.split "([^A-Za-z0-9+._?=-])" name;
  mapped =
    if plain then
      name
    else
      builtins.concatStringsSep "" (map (part: if builtins.isList part then "_" else part) parts);
  visible = if builtins.substring 0 1 mapped == "." then "_" + mapped else mapped;
  length = builtins.stringLength visible;
in
if length > 200 then builtins.substring (length - 200) 200 visible else visible
