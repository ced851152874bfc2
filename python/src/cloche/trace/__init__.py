"""The record cloche-tests.json: what each test file needs, made from a traced run and the imports in the sources."""
