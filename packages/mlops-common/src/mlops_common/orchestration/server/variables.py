"""Prefect's variables, which it reads at its first import and never again."""

import os

from mlops_common.use_case import points


def quiet(*, debug: bool = False) -> None:
    """Set Prefect's variables before its first import.

    No analytics; records of our packages go to the run's log; the console stays
    free for the `mlops` command unless `debug`.
    """
    packages = ["mlops_common", *(point.value.split(".")[0] for point in points())]
    variables = {
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_LOGGING_EXTRA_LOGGERS": ",".join(packages),
        # Our code logs outside of runs too.
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    }
    if not debug:
        variables["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"] = "CRITICAL"
    for name, value in variables.items():
        os.environ.setdefault(name, value)
