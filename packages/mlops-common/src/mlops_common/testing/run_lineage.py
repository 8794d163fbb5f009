"""What the embedded store keeps of the lineage of runs, and datasets for them."""

from typing import Any

from mlops_common.bootstrap import Platform
from mlops_common.lineage.dataset import Dataset
from mlops_common.lineage.naming import stored

PATIENCE = 60.0  # seconds
ORDERS = Dataset(name=stored("/data/orders.csv"), rows=3)
SPEND = Dataset(name=stored("/data/spend.parquet"))
NEWEST = """
SELECT body FROM lineage.events
WHERE run_id = (
    SELECT run_id FROM lineage.events
    WHERE job_name = %s AND run_id IS NOT NULL ORDER BY id DESC LIMIT 1
)
ORDER BY event_time
"""
STATES = """
SELECT jobs.name, runs.state FROM lineage.runs JOIN lineage.jobs ON jobs.id = job_id
WHERE jobs.name LIKE %s
"""


def rows(platform: Platform, query: str, job: str) -> list[tuple[Any, ...]]:
    """Return what a query finds of a job, once all that was told has arrived."""
    assert platform.lineage is not None
    assert platform.lineage.flush(PATIENCE)
    with platform.lineage_store.connect() as connection:
        return connection.execute(query.encode(), (job,)).fetchall()


def told(platform: Platform, job: str) -> list[dict[str, Any]]:
    """Return the events of the newest run of a job."""
    return [body for (body,) in rows(platform, NEWEST, job)]


def told_states(platform: Platform, jobs: str) -> dict[str, str]:
    """Return the state by job; of jobs whose names are like `jobs`, such as `load%`."""
    return dict(rows(platform, STATES, jobs))


def states(events: list[dict[str, Any]]) -> list[str]:
    """Return what each event says that its run does.

    Examples:
        >>> states([{"eventType": "START"}, {"eventType": "FAIL"}])
        ['START', 'FAIL']
    """
    return [event["eventType"] for event in events]


def names(event: dict[str, Any], side: str) -> list[str]:
    """Return the names of its datasets; `side` is `inputs` or `outputs`.

    Examples:
        >>> names({"inputs": [{"name": "orders"}]}, "inputs")
        ['orders']
    """
    return [dataset["name"] for dataset in event[side]]


def parent(event: dict[str, Any]) -> tuple[str, str, str]:
    """Return the job and run above, and the run above all."""
    facet = event["run"]["facets"]["parent"]
    return facet["job"]["name"], facet["run"]["runId"], facet["root"]["run"]["runId"]
