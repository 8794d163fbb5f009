"""Questions to the lineage: each a function of a reader, with a frozen answer."""
