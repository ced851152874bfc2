"""Performance of two revisions: instructions counted by cachegrind, and time measured in interleaved runs."""
