# The modules that look at archives before they are unpacked, for sys.path: those that all need, and those for sdists.
let
  modules = import ./python-modules.nix;
  zip = [
    "archive.py"
    "archive_limits.py"
  ];
in
{
  wheels = modules "cloche-archive" zip;
  sdists = modules "cloche-sdist-archive" (zip ++ [ "archive_tar.py" ]);
}
