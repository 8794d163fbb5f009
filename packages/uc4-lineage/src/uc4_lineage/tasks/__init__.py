"""Prefect tasks: each dereferences, calls one plain function or adapter, stores."""
