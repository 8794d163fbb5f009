"""UC4: data lineage that answers questions, over all use cases."""
