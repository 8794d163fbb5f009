"""The interactive page of a graph: one HTML file that opens offline."""
