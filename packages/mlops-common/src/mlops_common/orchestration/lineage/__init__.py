"""What runs tell of their lineage: where they begin and end, and what they said.

`prefect_runs` tells flows and their steps as Prefect runs them; `telling` and
`told_run` know nothing of Prefect.
"""
