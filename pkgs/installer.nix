# PyPA's `installer`, unpacked and compiled once, so that each wheel's derivation starts quickly. A wheel is a zip file,
# and this one has no scripts and no data, so that unpacking the archive is installing it.
{ toolchain, source }:
toolchain.runPython {
  name = "installer";
  script = ../python/src/cloche/unzip.py;
  inherit source;
}
