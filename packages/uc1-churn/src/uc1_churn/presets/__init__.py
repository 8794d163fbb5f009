"""Params that `mlops run uc1 --params NAME` finds by name."""
