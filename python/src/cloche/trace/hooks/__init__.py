"""What a test run looks for: recorded once, and held against the record in every run that has only a part of the tree.

The modules are installed into test environments as `_cloche_trace` (cloche.trace.install_hooks).
"""
