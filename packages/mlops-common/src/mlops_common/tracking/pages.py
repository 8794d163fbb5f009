"""MLflow's own pages on loopback, for a store that has no server in front."""

import os
import sys
from collections.abc import Mapping

from mlops_common.processes import LOOPBACK

VARIABLES = {
    # Else it starts ten processes for jobs that nobody submits.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
}


def serve(
    port: int, uri: str, artifacts: str | None, variables: Mapping[str, str]
) -> None:
    """Run MLflow's server in this process until it is told to stop.

    Args:
        port: On loopback; the server answers no request that names another host.
        uri: Of the store. It may hold a password: it travels in a variable.
        artifacts: Where an experiment that is made on the pages keeps its files.
        variables: What MLflow reads from the environment, such as a login.
    """
    os.environ.update({**variables, **VARIABLES, "MLFLOW_BACKEND_STORE_URI": uri})
    if artifacts is not None:
        os.environ["MLFLOW_DEFAULT_ARTIFACT_ROOT"] = artifacts
    from mlflow.cli import cli

    hosts = f"{LOOPBACK}:{port},localhost:{port}"
    origins = f"http://{LOOPBACK}:{port},http://localhost:{port}"
    options = {
        "host": LOOPBACK,
        "port": str(port),
        "workers": "1",
        "allowed-hosts": hosts,
        "cors-allowed-origins": origins,
    }
    words = [word for name in options for word in (f"--{name}", options[name])]
    # What it starts reads the command line of this process.
    sys.argv[1:] = ["server", *words, "--no-serve-artifacts"]
    cli.main(args=sys.argv[1:], prog_name="mlflow")
