# below : folder -> string -> string; where a file that a filter of builtins.path is asked about lies in the folder.
#
# Nix tells a filter where a file really is, and without root its store lies in a folder of the user's. So what comes
# before the folder is left out, whatever it is.
folder:
let
  root = "${builtins.unsafeDiscardStringContext (toString folder)}/";
in
file: builtins.head (builtins.match "[^\n]*\n(.*)" (builtins.replaceStrings [ root ] [ "\n" ] file))
