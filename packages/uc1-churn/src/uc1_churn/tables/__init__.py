"""Rows on their way: the source table, staged files, Parquet."""
