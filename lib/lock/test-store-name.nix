# store-name.nix: the name of a source in the store.
lib: {
  own = true;
  cases = {
    "storeName: a wheel's name stays" = {
      expr = lib.storeName "numpy-2.4.0-cp311-cp311-manylinux_2_27_x86_64.whl";
      expected = "numpy-2.4.0-cp311-cp311-manylinux_2_27_x86_64.whl";
    };
    "storeName: local versions keep their plus" = {
      expr = lib.storeName "torch-2.0+cpu.whl";
      expected = "torch-2.0+cpu.whl";
    };
    "storeName: Debian's tilde and percent" = {
      expr = lib.storeName "libssl3_3.0.20-1~deb12u2%3a_amd64.deb";
      expected = "libssl3_3.0.20-1_deb12u2_3a_amd64.deb";
    };
    "storeName: each forbidden byte is one underscore" = {
      expr = lib.storeName "a !b";
      expected = "a__b";
    };
    "storeName: no hidden file" = {
      expr = lib.storeName ".whl";
      expected = "_.whl";
    };
    "storeName: the last 200 characters" = {
      expr =
        let
          long = builtins.concatStringsSep "" (builtins.genList (_: "x") 300);
        in
        builtins.stringLength (lib.storeName (long + ".whl"));
      expected = 200;
    };
  };
}
