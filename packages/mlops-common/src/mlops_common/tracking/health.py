"""How the MLflow tracking store is."""

import base64
import json

from mlops_common import web
from mlops_common.errors import BackendError, ConfigError
from mlops_common.health import Health, found
from mlops_common.params import masked
from mlops_common.sections import MlflowSettings

# A SQL store answers this with a list; a file store says that it cannot.
SQL_ONLY = "/api/3.0/mlflow/datasets/search"
EXPERIMENTS = "/api/2.0/mlflow/experiments/search"
JSON = {"Content-Type": "application/json"}
OK = 200


def examine(settings: MlflowSettings, database: str) -> Health:
    """Tell whether the tracking server admits us, and what keeps its runs.

    Args:
        settings: Of the store.
        database: Where runs are kept, unless the settings name a server.

    Raises:
        ConfigError: The server does not accept the login.
        BackendError: It cannot be reached, or is not MLflow.
    """
    uri = settings.tracking_uri
    if uri is None:
        return Health("embedded", database, facts=("SQL store", "no server in front"))
    if not uri.startswith("http"):
        return found(masked(uri), facts=("opened directly, no server in front",))
    return _server(uri.rstrip("/"), settings)


def _server(uri: str, settings: MlflowSettings) -> Health:
    where, headers = masked(uri), {**JSON, **_login(settings)}
    version = web.request(f"{uri}/version", headers=headers)
    if version.refused:
        raise _refused(where)
    body = json.dumps({"max_results": 1}).encode()
    asked = web.request(f"{uri}{EXPERIMENTS}", headers=headers, data=body)
    if asked.refused:
        raise _refused(where)
    if asked.status != OK:
        raise BackendError(
            f"{where} answers {asked.status} to a search of experiments; check that "
            "mlflow.tracking_uri names an MLflow tracking server"
        )
    store, remedies = _store(
        web.request(f"{uri}{SQL_ONLY}", headers=headers, data=b"{}")
    )
    known = version.status == OK
    return found(
        where,
        version=version.body.decode("utf-8", "replace") if known else "",
        facts=(store,),
        remedies=remedies,
    )


def _store(answer: web.Answer) -> tuple[str, tuple[str, ...]]:
    """Return what keeps the runs, and what to do where that is files."""
    if answer.status == OK:
        return "SQL store", ()
    said = answer.json()
    if isinstance(said, dict) and said.get("error_code") == "FEATURE_DISABLED":
        remedy = (
            "its runs lie in files, which are slow and lose writes under load; start "
            "it with --backend-store-uri postgresql://…"
        )
        return "file store", (remedy,)
    return "store not known", ()


def _login(settings: MlflowSettings) -> dict[str, str]:
    token = settings.secret("token")
    if token is not None:
        return {"Authorization": f"Bearer {token}"}
    if settings.username is None:
        return {}
    pair = f"{settings.username}:{settings.secret('password') or ''}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def _refused(where: str) -> ConfigError:
    return ConfigError(
        f"{where} does not admit us; set mlflow.username and mlflow.password_file, or "
        "mlflow.token_file"
    )
