# What `reproduce` repeats builds with. Folder:
#   lib/libvary.so, libsleep.so, libfaketime.so.1   preloaded into a build
#   lib/locale                                      what its LOCPATH names
#   bin/diffoscope                                  shows how two outputs differ
{ toolchain }:
let
  inherit (toolchain) roles base;
in
toolchain.runBash {
  name = "cloche-reproduce-tools";
  sleep = builtins.path {
    path = ./sleep.c;
    name = "sleep.c";
  };
  inherit (roles) reproduce cc;
  inherit (toolchain.tools) patchelf;
  world = import ./world.nix { inherit toolchain; };
  vary = builtins.path {
    path = ./vary.c;
    name = "vary.c";
  };
  script = ''
    mkdir -p $out/bin
    cp -r $world/lib $out/lib
    chmod u+w $out/lib
    # Without the path to the base that the compiler's wrapper adds: the library serves programs of any C library.
    for name in vary sleep; do
      $cc/bin/gcc -Wall -Wextra -Werror -O2 -shared -fPIC -o $out/lib/lib$name.so ''${!name}
      $patchelf --remove-rpath $out/lib/lib$name.so
    done
    libraries=$(echo $reproduce/usr/lib/*-linux-gnu)
    cat > $out/bin/diffoscope <<END
    #!$base/bin/bash
    export LIBARCHIVE=$libraries/libarchive.so.13 MAGIC=$reproduce/usr/share/misc/magic.mgc
    export LD_LIBRARY_PATH=$libraries PYTHONPATH=$reproduce/usr/lib/python3/dist-packages PATH=$reproduce/bin:$base/bin
    exec $base/bin/python3 $reproduce/usr/bin/diffoscope "\$@"
    END
    chmod +x $out/bin/diffoscope
  '';
  disallowedReferences = [ roles.cc ];
}
