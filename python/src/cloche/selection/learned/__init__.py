"""Which tests will a change break? Rows of changes and their failures, a model of them, and what it says of a selection.

`observation` turns a change into numbers, `rows` keeps them with what failed, `training` fits and measures, `model` writes
and reads what was fitted, and `ranking` applies it to a selection. scikit-learn is needed to train, not to apply.
"""
