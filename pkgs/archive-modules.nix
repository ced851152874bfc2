# The modules that look at sdists before they are unpacked, as a folder for sys.path.
import ./python-modules.nix "cloche-sdist-archive" [
  "archive.py"
  "archive_limits.py"
  "archive_tar.py"
  "untrusted/__init__.py"
  "untrusted/tar_blocks.py"
]
