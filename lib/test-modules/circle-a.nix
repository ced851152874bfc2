{ imports = [ ./circle-b.nix ]; }
