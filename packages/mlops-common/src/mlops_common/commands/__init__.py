"""What each command of `mlops` does: a module for each group of commands."""
