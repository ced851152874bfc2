# The part of Cloche's library that selects tests, for builders. learn-modules : own -> store path
own:
own.modules "cloche-learn" [
  "archive_limits.py"
  "errors.py"
  "impact"
  "learn"
  "limits.py"
  "regular_file.py"
  "strict_json.py"
]
