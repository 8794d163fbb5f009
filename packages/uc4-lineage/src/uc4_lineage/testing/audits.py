"""A run and datasets for tests of audits."""

from datetime import UTC, datetime, timedelta

from uc4_lineage.coverage import CheckedRun, DatasetFacts, Period

END = datetime(2026, 3, 2, 8, tzinfo=UTC)
PERIOD = Period.ending(END, 24)
# It told nothing.
SILENT = CheckedRun(
    id="0",
    name="churn v7",
    flow="UC1: Churn",
    deployment="churn-daily",
    state="Completed",
    ended=END - timedelta(hours=1),
)
DESCRIBED = DatasetFacts("dataset:file:/b.csv", described=True, owned=True)
