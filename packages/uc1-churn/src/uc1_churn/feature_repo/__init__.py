"""The Feast repository: definitions as code, and its `feature_store.yaml`."""
