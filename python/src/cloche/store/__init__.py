"""What is kept outside of memory, and how it is reached: git, and files and folders that are there whole or not at all."""
