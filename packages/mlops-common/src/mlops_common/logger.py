"""One kind of logger for pipelines, services and tests.

A module asks once, at the top: `log = get_logger(__name__)`. Inside a flow run
Prefect sends these records to the run's log, because every deployment names our
packages in `PREFECT_LOGGING_EXTRA_LOGGERS`. Nothing here imports Prefect.
"""

import logging
import os


def get_logger(name: str) -> logging.Logger:
    """Return the standard logger `name` at the level `$MLOPS_LOG_LEVEL`.

    The level is set on the logger itself: Prefect attaches a handler to extra
    loggers but leaves their level to the root logger, which drops INFO.

    Examples:
        >>> get_logger("mlops_common.example").level == logging.INFO
        True
    """
    logger = logging.getLogger(name)
    logger.setLevel(os.environ.get("MLOPS_LOG_LEVEL", "INFO").upper())
    return logger
