"""A use case that reacts to events, for tests."""
