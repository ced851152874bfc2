# One file or folder of a project as a store folder in which it lies at its own path, with nothing else beside it.
{
  src,
  # "experiments/fit.py", below src.
  path,
  # Who asks, for the message.
  option,
}:
let
  relative = import ./below.nix src;
  below =
    upper: lower: lower == upper || builtins.substring 0 (builtins.stringLength upper + 1) lower == "${upper}/";
  never = [
    "__pycache__"
    ".git"
  ];
in
if !builtins.pathExists (src + "/${path}") then
  throw "${option} names ${path}, which is not in ${toString src}; write it as it lies below cloche.src, or let git know it (git add)"
else
  builtins.path {
    path = src;
    name = "files";
    filter =
      file: type:
      let
        here = relative file;
      in
      (type == "directory" && below here path || below path here) && !builtins.elem (baseNameOf file) never;
  }
