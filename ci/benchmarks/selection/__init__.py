"""How well the selection of tests selects: faults in published projects, and what ways of selecting make of them."""
