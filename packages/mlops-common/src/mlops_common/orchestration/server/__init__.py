"""Where runs are recorded: a configured API of Prefect, or a server of the home."""
