"""What is kept outside of memory, and how it is reached: git."""
