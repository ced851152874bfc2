"""One report of what is known about a project: a page for people, Markdown for a pull request, JSON for programs."""
