"""Small seeded faults (mutants) of a project's own code, and which of its tests see each: its kill matrix.

Labelled changes for a project without history, and the ground truth by which the selection of tests is judged.
`recorder` also runs in the environment of the project, where Cloche need not be: standard library and pytest only.
"""
