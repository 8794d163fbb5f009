"""What UC1 offers to tests: contracts, and doubles of servers."""
