# Appends to the list `list`; a test imports this file more than once.
{ list = [ "path" ]; }
