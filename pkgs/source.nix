# One published file as a fixed-output derivation. `fetch` puts the file at this path beforehand; the builder here is
# the fallback, for a Nix that runs as the user with an index in the environment. Its error is the command to run.
{
  toolchain,
  storeName,
}:
# An entry of a lock's packages: file, sha256, version; and the package's name.
{
  name,
  version,
  file,
  sha256,
  ...
}:
derivation {
  name = storeName file;
  inherit (toolchain) system;
  builder = toolchain.python.interpreter;
  args = toolchain.fetchOne;
  PYTHONHOME = toolchain.base;
  package = name;
  inherit version file;
  outputHashMode = "flat";
  outputHashAlgo = "sha256";
  outputHash = sha256;
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
}
