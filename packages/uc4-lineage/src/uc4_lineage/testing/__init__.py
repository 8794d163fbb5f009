"""What tests of lineage start from."""
