"""MLflow's own pages on loopback, for a store that has no server in front."""

import os
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

    `mlflow server` would do the same in two processes of 270 MB each.

    Args:
        port: On loopback; the server answers no request that names another host.
        uri: Of the store; it may hold a password.
        artifacts: Where an experiment that is made on the pages keeps its files.
        variables: What MLflow reads from the environment, such as a login.
    """
    hosts = (f"{LOOPBACK}:{port}", f"localhost:{port}")
    os.environ.update(variables)
    os.environ.update(VARIABLES)
    # Read at the import of the server, against requests that other pages send.
    os.environ["MLFLOW_SERVER_ALLOWED_HOSTS"] = ",".join(hosts)
    origins = ",".join(f"http://{host}" for host in hosts)
    os.environ["MLFLOW_SERVER_CORS_ALLOWED_ORIGINS"] = origins
    import uvicorn
    from mlflow.server import constants

    os.environ[constants.BACKEND_STORE_URI_ENV_VAR] = uri
    os.environ[constants.REGISTRY_STORE_URI_ENV_VAR] = uri
    if artifacts is not None:
        os.environ[constants.ARTIFACT_ROOT_ENV_VAR] = artifacts
    app = "mlflow.server.fastapi_app:app"
    uvicorn.run(app, host=LOOPBACK, port=port, log_level="warning")
