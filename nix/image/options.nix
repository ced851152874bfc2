# Options: what one image holds and how its containers start; nix/image/default.nix makes the images.
{ config, lib, ... }:
let
  inherit (lib) mkOption types literalExpression;
  cfg = config.cloche;
  inherit ((import ../../lib/lock).pyproject cfg.src) project;
  texts =
    description:
    mkOption {
      type = types.attrsOf types.str;
      default = { };
      inherit description;
    };
  words =
    description: example:
    mkOption {
      type = types.listOf types.str;
      default = [ ];
      inherit description example;
    };
  image = types.submodule {
    options = {
      package = mkOption {
        type = types.raw;
        default = cfg.build.application;
        defaultText = literalExpression "packages.default";
        description = "The derivation that changes most often, with all that it needs: the application.";
      };
      contents = mkOption {
        type = types.listOf types.raw;
        default = [ ];
        description = "Further derivations, with all that they need, in a layer of their own.";
      };
      name = mkOption {
        type = types.strMatching "[a-z0-9]+([._-][a-z0-9]+)*(/[a-z0-9]+([._-][a-z0-9]+)*)*";
        default = cfg.name;
        defaultText = literalExpression "config.cloche.name";
        description = "What podman, docker and others call the image after `nix run .#load-image`.";
      };
      tag = mkOption {
        type = types.strMatching "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}";
        default = if cfg.version == null then "dev" else builtins.replaceStrings [ "+" "!" ] [ "_" "_" ] cfg.version;
        defaultText = literalExpression "the project's version";
        description = "The tag beside the name.";
      };
      entrypoint = mkOption {
        type = types.listOf types.str;
        default =
          let
            scripts = builtins.attrNames (project.scripts or { });
            own = if builtins.elem cfg.name scripts then [ cfg.name ] else scripts;
          in
          if builtins.length own == 1 then
            [ "${cfg.build.application}/bin/${builtins.head own}" ]
          else
            throw "cloche.images: the project has ${toString (builtins.length own)} programs (${builtins.concatStringsSep ", " own}), so say which one the image starts: set its option `entrypoint'";
        defaultText = literalExpression "the project's one program, or the one with the project's name";
        example = literalExpression ''[ "''${config.packages.default}/bin/branin" ]'';
        description = "The program that a container starts, with arguments that are always there.";
      };
      command = words "Arguments of the entry point where a container is given none." [ "--help" ];
      environment = texts "Environment variables of the container, besides PATH, HOME, LANG and LOCPATH (which may be set here too).";
      user = mkOption {
        type = types.strMatching "[0-9]{1,9}:[0-9]{1,9}";
        default = "1000:1000";
        example = "65532:65532";
        description = "User and group of the container, as numbers, so that no file has to be read to know who it is.";
      };
      allowRoot = mkOption {
        type = types.bool;
        default = false;
        description = "Whether `user` may be root (0).";
      };
      home = mkOption {
        type = types.strMatching "/[A-Za-z0-9._/-]*[A-Za-z0-9._-]";
        default = "/home/app";
        description = "The user's own folder, writable, which is HOME.";
      };
      workingDirectory = mkOption {
        type = types.strMatching "/.*";
        default = "/home/app";
        description = "Where the program starts.";
      };
      ports = words "Ports on which the program listens, as documentation: `NUMBER/tcp` or `NUMBER/udp`." [ "8080/tcp" ];
      volumes = words "Folders that are meant to be mounted." [ "/data" ];
      labels = texts "Labels in the image's configuration, which docker and podman show.";
      annotations = texts ''
        Annotations in the manifest, besides those of the project (org.opencontainers.image.title, version, description,
        licenses).
      '';
      revision = mkOption {
        type = types.nullOr types.nonEmptyStr;
        default = null;
        example = literalExpression "self.rev or null";
        description = ''
          The revision for the annotation org.opencontainers.image.revision. Without it an image changes only with what
          is in it; with it, at each commit.
        '';
      };
      timeZones = mkOption {
        type = types.bool;
        default = false;
        description = "Whether programs find the time zone data: /usr/share/zoneinfo, and TZDIR.";
      };
      caCertificates = mkOption {
        type = types.bool;
        default = false;
        description = ''
          Whether programs find Mozilla's certificate authorities, as the locked package certifi has them:
          /etc/ssl/certs/ca-certificates.crt, and SSL_CERT_FILE.
        '';
      };
      licenses = mkOption {
        type = types.attrsOf types.path;
        default = { };
        example = literalExpression "{ mypackage = ./LICENSE; }";
        description = "Licence texts of packages whose wheel has none, put into /usr/share/licenses/NAME.";
      };
      allowed = words ''
        What is only for development, and may be in this image all the same: names of the toolchain's roles, of locked
        packages, and of store paths without their hashes.
      '' [ "cc" ];
      maxLayers = mkOption {
        type = types.ints.between 6 100;
        default = 30;
        description = "The most layers that the image may have; heavy packages have one each as long as there is room.";
      };
    };
  };
in
{
  options.cloche.images = mkOption {
    type = types.attrsOf image;
    default = { };
    example = literalExpression "{ default.caCertificates = true; }";
    description = ''
      OCI images of the project: `default` becomes `packages.image`, any other `packages.image-NAME`. With at least one
      there are `checks.image` and the app `load-image`.
    '';
  };
}
