# The part of Cloche's library that selects tests, for builders. learn-modules : own -> [ string ] -> store path; the
# list names modules of `learn`, so that a model is not made anew when something changes that only applies it.
own: modules:
own.modules "cloche-learn" (
  [
    "archive_limits.py"
    "errors.py"
    "impact"
    "learn/__init__.py"
    "limits.py"
    "outcomes"
    "regular_file.py"
    "store/__init__.py"
    "store/git.py"
    "store/write.py"
    "strict_json.py"
    "untrusted/__init__.py"
    "untrusted/terminal.py"
    "untrusted/toml.py"
    "untrusted/walk.py"
  ]
  ++ map (module: "learn/${module}.py") (
    [
      "columns"
      "differences"
      "errors"
      "estimator"
      "fitted"
      "history"
      "model"
      "observation"
      "parts"
      "rows"
      "rule"
      "surroundings"
      "words"
    ]
    ++ modules
  )
)
