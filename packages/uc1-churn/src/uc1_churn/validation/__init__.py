"""Whether a table keeps what its contract promises."""
