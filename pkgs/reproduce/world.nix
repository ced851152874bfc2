# The parts of another world that a build can be given: the clock's library, and another locale. Folder lib/ with
# libfaketime.so.1 and locale/ (what LOCPATH names).
{ toolchain }:
toolchain.runBash {
  name = "cloche-reproduce-world";
  inherit (toolchain.roles) reproduce;
  inherit (toolchain) loader libraries seed;
  inherit (toolchain.tools) patchelf;
  # Turkish has other rules for upper and lower case, decimal commas, and its own words for days and months.
  locale = "tr_TR";
  script = ''
    mkdir -p $out/lib/locale
    cp $reproduce/usr/lib/*/faketime/libfaketime.so.1 $out/lib/libfaketime.so.1
    chmod u+w $out/lib/libfaketime.so.1
    $patchelf --force-rpath --set-rpath $libraries $out/lib/libfaketime.so.1
    I18NPATH=$reproduce/usr/share/i18n $loader --library-path $libraries $seed/usr/bin/localedef \
      --no-archive --inputfile $locale --charmap UTF-8 $out/lib/locale/$locale.UTF-8
  '';
  disallowedReferences = [ toolchain.seed ];
}
