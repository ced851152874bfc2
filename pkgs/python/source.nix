# One published file as a fixed-output derivation. `fetch` puts the file at this path beforehand; the builder here is
# the fallback, for a Nix that runs as the user with an index in the environment. Its error is the command to run.
{ toolchain, storeName }:
let
  fetcher = import ../fetch/library.nix;
  builder = {
    inherit (toolchain) system;
    builder = toolchain.loader;
    args = [
      toolchain.python.interpreter
      "-I"
      "-S"
      "-c"
      "import sys, runpy; sys.path[:0] = sys.argv[1:]; runpy.run_module('cloche.fetch', run_name='__main__')"
      fetcher
      toolchain.pip
    ];
    outputHashMode = "flat";
    outputHashAlgo = "sha256";
    preferLocalBuild = true;
    impureEnvVars = [
      "PIP_INDEX_URL"
      "PIP_EXTRA_INDEX_URL"
      "PIP_CERT"
      "http_proxy"
      "https_proxy"
      "no_proxy"
      "all_proxy"
    ];
  };
in
# source : string -> { version, file, sha256, size ? , ... } -> derivation
package: entry:
derivation (
  builder
  // {
    name = storeName entry.file;
    inherit package;
    inherit (entry) version file;
    outputHash = entry.sha256;
    size = entry.size or 0;
  }
)
