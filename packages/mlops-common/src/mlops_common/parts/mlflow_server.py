"""The server of MLflow's pages, on the store that the pipelines write.

`python -m mlops_common.parts.mlflow_server PORT` reads the settings itself, so that no
password stands in a command line or in the variables of another process.
"""

import sys

from mlops_common.bootstrap import connect


def main(port: str) -> None:
    """Serve until told to stop."""
    connect().tracking.serve(int(port))


if __name__ == "__main__":
    main(*sys.argv[1:])
