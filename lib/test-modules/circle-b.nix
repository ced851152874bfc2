{ imports = [ ./circle-a.nix ]; }
