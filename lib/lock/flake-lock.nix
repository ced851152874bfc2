# What is known of a flake's inputs, from its flake.lock and so without fetching any.
#
# flake-lock : flake -> { names, digests, input }
#   names    the inputs that flake.nix names
#   digests  { "flake.lock" = sha256; }, or { } for a flake that has none
#   input    : "flake-parts/nixpkgs-lib" -> { name, uri, rev, narHash }; null for one that lies inside the flake's tree
flake:
let
  file = flake.outPath + "/flake.lock";
  # A flake with an input that nothing pins (a checkout with changes that are not committed) has none.
  exists = flake ? outPath && builtins.pathExists file;
  lock = builtins.fromJSON (builtins.readFile file);
  missing =
    name:
    throw "cloche.provenance.inputs names ${name}, but ${
      if exists then "flake.lock" else "flake.nix"
    } has no such input";

  # node : string -> string; an input that follows another one is a list, the way from the root.
  node =
    name:
    let
      step =
        at: word:
        let
          next = (lock.nodes.${at}.inputs or { }).${word} or (missing name);
        in
        if builtins.isList next then walk next else next;
      walk = builtins.foldl' step lock.root;
    in
    walk (builtins.filter builtins.isString (builtins.split "/" name));

  # reference : { type, ... } -> string or null; without what is listed beside it. A place on this machine means nothing
  # to others.
  reference =
    locked:
    let
      text = builtins.flakeRefToString (
        removeAttrs locked [
          "lastModified"
          "narHash"
          "revCount"
        ]
      );
    in
    if locked.type == "path" || builtins.match ".*file:/.*" text != null then null else text;

  known = name: uri: found: {
    inherit name uri;
    rev = found.rev or null;
    inherit (found) narHash;
  };
in
{
  names = builtins.attrNames (flake.inputs or { });
  digests = if exists then { "flake.lock" = builtins.hashFile "sha256" file; } else { };
  input =
    name:
    if !exists then
      known name null ((flake.inputs or { }).${name} or (missing name))
    else
      let
        locked = lock.nodes.${node name}.locked or (missing name);
      in
      # A relative path has no hash of its own.
      if locked ? narHash then known name (reference locked) locked else null;
}
