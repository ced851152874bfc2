# The licence texts of the base: each package's copyright file, and the full texts that these only name. Images carry
# them; the base itself has no documentation.
{
  seed,
  run,
  # The package base-files, which has the full texts.
  texts,
}:
run.runBash {
  name = "cloche-base-licenses";
  inherit seed texts;
  script = ''
    mkdir -p $out/share/doc unpacked
    for file in $seed/usr/share/doc/*/copyright; do
      package=''${file%/copyright}
      mkdir -p $out/share/doc/''${package##*/}
      cp -L $file $out/share/doc/''${package##*/}/copyright
    done
    # Only these: folders of others (/var/local) have a mode that the sandbox refuses.
    dpkg-deb --fsys-tarfile $texts | tar -x -C unpacked ./usr/share/common-licenses ./usr/share/doc
    mkdir $out/share/doc/base-files
    cp unpacked/usr/share/doc/base-files/copyright $out/share/doc/base-files/
    cp -R unpacked/usr/share/common-licenses $out/share/
    exit 0
  '';
}
