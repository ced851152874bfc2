# imageLayers : { base, packages, most } -> [ { name, paths } ]
#
# Which store paths make which layer of an image, by how often they change and how large they are: the toolchain's base,
# each heavy package by itself (the largest first), all light ones together. Decided from the lock's sizes alone, so
# that nothing has to be built to know it.
{
  # Store paths of the toolchain that every program needs.
  base,
  # name -> { path, size }; the size is that of the wheel in bytes.
  packages,
  # How many layers there may be at most.
  most,
  # From which size on a package has a layer of its own.
  heavy ? 2000000,
}:
let
  named = map (name: packages.${name} // { inherit name; }) (builtins.attrNames packages);
  bySize = builtins.sort (
    a: b: if a.size == b.size then a.name < b.name else a.size > b.size
  ) named;
  # One for the base and one for the light ones.
  room = most - 2;
  large = builtins.filter (package: package.size >= heavy) bySize;
  alone =
    if builtins.length large > room then
      builtins.genList (builtins.elemAt large) (if room > 0 then room else 0)
    else
      large;
  own = map (package: package.name) alone;
  light = builtins.filter (package: !builtins.elem package.name own) named;
in
if most < 2 then
  throw "cloche.images: at least 6 layers are needed (base, files, light packages, contents, rest, application)"
else
  [
    {
      name = "base";
      paths = base;
    }
  ]
  ++ map (package: {
    inherit (package) name;
    paths = [ package.path ];
  }) alone
  ++ (
    if light == [ ] then
      [ ]
    else
      [
        {
          name = "light";
          paths = map (package: package.path) light;
        }
      ]
  )
