"""The HTTP API of Marquez over the embedded store, for any producer and any client."""
