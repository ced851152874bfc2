{ config, lib, ... }:
{
  options.fromFunction = lib.mkOption { default = config.list or [ ]; };
}
