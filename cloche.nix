# Cloche's own library under its own module.
{
  cloche = {
    src = ./python;
    directory = "python";
    systems = [
      "aarch64-linux"
      "x86_64-linux"
    ];
    tests.enable = true;
    lint.enable = true;
    types.enable = true;
  };
}
