# Declarations of options, and the texts that stand for them.
lib:
let
  literal =
    kind: text:
    lib.throwIfNot (builtins.isString text)
      "${kind}: expected a string, got ${builtins.typeOf text}; put the text in quotes."
      {
        _type = kind;
        inherit text;
      };
in
{
  # mkOption :: { type ?; default ?; description ?; ... } -> option
  # An unknown argument is an error of Nix itself, which names the place.
  mkOption =
    arguments@{
      # Changes the merged value: `apply value`.
      apply ? null,
      # Used when nothing else defines the option; a text for the documentation instead of it.
      default ? null,
      defaultText ? null,
      # What it does, in Markdown, and a value that shows how.
      description ? null,
      example ? null,
      # Not meant for users; hidden from the documentation; definable once only.
      internal ? null,
      visible ? null,
      readOnly ? null,
      # Packages to mention in the documentation.
      relatedPackages ? null,
      # Which values it takes and how several definitions merge.
      type ? null,
    }:
    arguments // { _type = "option"; };

  # mkEnableOption :: string -> option; false unless it is defined.
  mkEnableOption =
    what:
    lib.mkOption {
      type = lib.types.bool;
      default = false;
      example = true;
      description = "Whether to enable ${what}.";
    };

  # isOption :: a -> bool
  isOption = lib.isType "option";

  # literalExpression, literalMD :: string -> text; Nix code or Markdown for `defaultText` and `example`.
  literalExpression = literal "literalExpression";
  literalMD = literal "literalMD";

  # showOption :: [ string ] -> string; a dotted name, quoted where Nix needs it; `*` and `<name>` stand bare.
  showOption = lib.concatMapStringsSep "." (
    part:
    if part == "*" || builtins.match "<.*>" part != null then
      part
    else
      lib.strings.escapeNixIdentifier part
  );

  # showFiles :: [ string ] -> string
  showFiles = lib.concatMapStringsSep " and " (file: "`${file}'");
}
