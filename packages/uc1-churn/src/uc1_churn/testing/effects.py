"""What steps leave behind, by which a test sees whether they ran again."""

from mlops_common.bootstrap import Platform

MARK = "SELECT xmin::text FROM materialized_tables WHERE dataset = %s"


def documented(platform: Platform, dataset: str) -> int:
    """Return when the newest page on a dataset was written, in ns; 0 for never."""
    folder = platform.settings.home / "objects" / "validation" / dataset
    return max((page.stat().st_mtime_ns for page in folder.glob("*.html")), default=0)


def materialized(platform: Platform, dataset: str) -> str:
    """Return what changes when features are materialized; empty for never."""
    with platform.postgres.connect("feast") as connection:
        row = connection.execute(MARK, (dataset,)).fetchone()
    return row[0] if row else ""
