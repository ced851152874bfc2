# The generated part of the documents: the reference of all options, and the program that renews it in a checkout.
{
  toolchain,
  # nix/default.nix, with what a flake without flake-parts adds.
  modules,
}:
let
  lib = import ../lib;
  # What the options are does not depend on a project or system, but the modules that declare them are given both.
  evaluated = lib.evalModules {
    inherit modules;
    specialArgs = {
      self = { };
      inherit (toolchain) system;
    };
  };
  # A folder with options.md.
  reference = toolchain.runPython {
    name = "cloche-docs";
    script = ../ci/house/option_reference.py;
    options = lib.optionsToDoc evaluated.options;
  };
  program = toolchain.runBash {
    name = "renew-docs";
    inherit reference;
    inherit (toolchain.tools) bash;
    script = ''
      mkdir -p $out/bin
      cat > $out/bin/renew-docs <<END
      #!$bash
      if [ ! -e docs/options.md ]; then
        echo "there is no docs/options.md here; run this at the top of a checkout of Cloche" >&2
        exit 2
      fi
      cat $reference/options.md > docs/options.md
      END
      chmod +x $out/bin/renew-docs
    '';
  };
in
{
  inherit reference;
  renew = "${program}/bin/renew-docs";
}
