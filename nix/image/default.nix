# Outputs: OCI images, the check that judges them, and the app that loads them.
{ config, lib, ... }:
let
  cfg = config.cloche;
  inherit (cfg) toolchain build;
  make = import ../../pkgs/image { inherit toolchain; };
  check = import ../../checks/image.nix { inherit toolchain; };
  own = import ../../pkgs/python/cloche.nix { inherit toolchain; };
  programs = import ../../pkgs/programs.nix { inherit toolchain; };
  project = ((import ../../lib/lock).pyproject cfg.src).project or { };

  # What must not be in an image, by store path: { name, why }. The paths carry no context, so that naming them builds
  # nothing.
  development =
    let
      list =
        why: set:
        map (name: {
          name = builtins.unsafeDiscardStringContext "${set.${name}}";
          value = {
            inherit name;
            why = why name;
          };
        }) (builtins.attrNames set);
      others = removeAttrs build.set.packages (build.selection.names "default");
      environments = builtins.mapAttrs (key: _: build.set.buildEnvironment key) build.selection.builds;
    in
    builtins.listToAttrs (
      list (name: "the toolchain's role `${name}'") toolchain.roles
      ++ list (name: "the package ${name}, which is in no group that the application needs") others
      ++ list (name: "the environment in which ${name} is built") environments
      ++ list (_: "the toolchain as unpacked from its packages") { inherit (toolchain) seed; }
    );
  packages = builtins.listToAttrs (
    map (name: {
      inherit name;
      value = {
        path = build.set.packages.${name};
        inherit (build.selection.packages.${name}) size;
      };
    }) (build.selection.names "default")
  );

  imageOf =
    name: image:
    let
      certifi = own.package "certifi";
      authorities = "${certifi}/${toolchain.python.sitePackages}/certifi/cacert.pem";
      licenses = builtins.mapAttrs (
        package: file:
        builtins.path {
          path = file;
          name = "license-of-${package}";
        }
      ) image.licenses;
      wanted = [ image.package ] ++ image.contents;
      # What the image consists of.
      sbom = cfg.sbom.of {
        kind = "image";
        inherit (image) name;
        image = made;
        inherit (made) roots;
        made = application ++ builtins.attrValues licenses;
        own = [ "certifi" ];
        # Their programs and headers are left out of an image's base (pkgs/image/default.nix).
        excluded = [
          "dpkg"
          "libpython3.11-dev"
          "patchelf"
        ];
      };
      application = [
        build.application.environment
        build.application
        image.package
      ];
      made = make {
        inherit name development packages;
        inherit (image) package tag user home allowed maxLayers;
        imageName = image.name;
        application = [ build.unpacked ] ++ application;
        contents =
          image.contents
          ++ lib.optional image.caCertificates certifi
          ++ builtins.attrValues licenses;
        links = {
          "bin/sh" = toolchain.tools.bash;
          "usr/bin/env" = "${toolchain.base}/bin/env";
          "usr/share/common-licenses" = "${toolchain.licenses}/share/common-licenses";
          "usr/share/doc" = "${toolchain.licenses}/share/doc";
        }
        // lib.optionalAttrs image.timeZones { "usr/share/zoneinfo" = "${toolchain.base}/share/zoneinfo"; }
        // lib.optionalAttrs image.caCertificates { "etc/ssl/certs/ca-certificates.crt" = authorities; }
        // lib.mapAttrs' (package: file: lib.nameValuePair "usr/share/licenses/${package}" file) licenses;
        settings = {
          architecture = if toolchain.system == "aarch64-linux" then "arm64" else "amd64";
          inherit (image) user entrypoint command ports volumes labels;
          working_directory = image.workingDirectory;
          environment = {
            PATH = builtins.concatStringsSep ":" (map (prefix: "${prefix}/bin") (wanted ++ [ toolchain.base ]));
            HOME = image.home;
            LANG = "C.UTF-8";
            LOCPATH = "${toolchain.base}/lib/locale";
          }
          // lib.optionalAttrs image.timeZones { TZDIR = "/usr/share/zoneinfo"; }
          // lib.optionalAttrs image.caCertificates { SSL_CERT_FILE = "/etc/ssl/certs/ca-certificates.crt"; }
          // image.environment;
          annotations =
            lib.filterAttrs (_: value: value != null && builtins.isString value) {
              "org.opencontainers.image.title" = cfg.name;
              "org.opencontainers.image.version" = cfg.version;
              "org.opencontainers.image.description" = project.description or null;
              "org.opencontainers.image.licenses" = project.license or null;
              "org.opencontainers.image.revision" = image.revision;
            }
            // image.annotations;
        };
      };
    in
    made // { inherit sbom; };
  images = builtins.mapAttrs imageOf cfg.images;
in
{
  config = lib.mkIf (cfg.images != { }) {
    cloche.sbom.checked = map (image: image.sbom) (builtins.attrValues images);
    packages = lib.mapAttrs' (
      name: image: lib.nameValuePair (if name == "default" then "image" else "image-${name}") image
    ) images;
    checks.image = check {
      name = "${cfg.name}-image-check";
      inherit images development;
      options = builtins.mapAttrs (_: image: { inherit (image) allowRoot allowed; }) cfg.images;
    };
    apps.load-image = {
      type = "app";
      program = programs.loadImage images;
      meta.description = "Load an image into podman, docker, skopeo's targets, a registry or a folder";
    };
  };
}
