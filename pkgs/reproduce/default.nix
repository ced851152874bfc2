# What `reproduce` repeats builds with: libraries that are preloaded into a build, another locale, diffoscope. Folder:
#   lib/libvary.so        gives variables of the environment other values (vary.c)
#   lib/libfaketime.so.1  moves the clock
#   lib/locale            what LOCPATH names
#   bin/diffoscope        shows how two outputs differ
{ toolchain }:
let
  inherit (toolchain) roles base seed;
in
toolchain.runBash {
  name = "cloche-reproduce-tools";
  inherit (roles) reproduce cc;
  inherit (toolchain) loader libraries;
  inherit (toolchain.tools) patchelf;
  inherit seed;
  vary = builtins.path {
    path = ./vary.c;
    name = "vary.c";
  };
  # Turkish has other rules for upper and lower case, decimal commas, and its own words for days and months.
  locale = "tr_TR";
  script = ''
    mkdir -p $out/lib/locale $out/bin
    # Without the path to the base that the compiler's wrapper adds: the library serves programs of any C library.
    $cc/bin/gcc -Wall -Wextra -Werror -O2 -shared -fPIC -o $out/lib/libvary.so $vary
    $patchelf --remove-rpath $out/lib/libvary.so
    cp $reproduce/usr/lib/*/faketime/libfaketime.so.1 $out/lib/libfaketime.so.1
    chmod u+w $out/lib/libfaketime.so.1
    $patchelf --force-rpath --set-rpath $libraries $out/lib/libfaketime.so.1
    I18NPATH=$reproduce/usr/share/i18n $loader --library-path $libraries $seed/usr/bin/localedef \
      --no-archive --inputfile $locale --charmap UTF-8 $out/lib/locale/$locale.UTF-8
    libraries=$(echo $reproduce/usr/lib/*-linux-gnu)
    cat > $out/bin/diffoscope <<END
    #!$base/bin/bash
    export LIBARCHIVE=$libraries/libarchive.so.13 MAGIC=$reproduce/usr/share/misc/magic.mgc
    export LD_LIBRARY_PATH=$libraries PYTHONPATH=$reproduce/usr/lib/python3/dist-packages PATH=$reproduce/bin:$base/bin
    exec $base/bin/python3 $reproduce/usr/bin/diffoscope "\$@"
    END
    chmod +x $out/bin/diffoscope
  '';
  disallowedReferences = [
    roles.cc
    seed
  ];
}
