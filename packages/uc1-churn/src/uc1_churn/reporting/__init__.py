"""What a run found, told to people."""
