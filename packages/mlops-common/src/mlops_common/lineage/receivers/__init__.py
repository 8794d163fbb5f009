"""Who is told of runs: the embedded store, Marquez, or both."""
