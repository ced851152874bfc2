check_sources() { :; }
