"""What is known of a run, its job and its datasets, as facets of OpenLineage.

Each is built by the classes of OpenLineage's own client, but for ours, `mlops_*`, whose
JSON schemas lie in `schemas/`.
"""
