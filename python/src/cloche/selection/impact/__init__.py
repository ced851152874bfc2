"""Which tests can a change affect? A map from functions to tests, changes from git, and a selection with reasons.

`plugin`, `recording` and `source` also run in the environment of the project whose tests are recorded, where Cloche need
not be: they use the standard library, pytest and coverage, and import each other relatively.
"""
