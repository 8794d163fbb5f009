"""Two versions of a model of churn, as events: trained, judged, deployed, served."""

import json
from importlib.resources import files
from typing import Any

import psycopg

from uc4_lineage.testing.events import dataset, job_event, minute, run_event

LOCAL, MODELS, SERVICES = (
    "postgres://localhost:5432",
    "mlflow://localhost",
    "kserve://x",
)
SOURCE, LOG = "customers.public.customers", "mlops.serving.predictions"
COPY = "COPY (SELECT age, price FROM customers) TO STDOUT"
HOSTILE = "\x1b[31m[bold]"
LOG_SQL = files("mlops_common.serving") / "sql" / "create_predictions.sql"
INSERT = """
INSERT INTO serving.predictions VALUES
('c9bf9e57-1685-4c89-bafb-ff5af830be8a', %s, %s, 'churn', 'churn', 2, %s, %s, %s, 0.25)
"""


def facet() -> dict[str, str]:
    """Return what every facet holds."""
    return {"_producer": "https://x.org", "_schemaURL": "https://x.org/f.json"}


def version(number: str, uri: str = "", **facets: Any) -> dict[str, Any]:
    """Return the facets of a version of a dataset, which lies at `uri`."""
    source = {"mlops_location": {"uri": uri}} if uri else {}
    return {"version": {"datasetVersion": number}, **source, **facets}


def registered(number: int, snapshot: str) -> dict[str, Any]:
    """Return a version of the model, with what MLflow knows of it."""
    facts = {
        "run_id": f"mlflow{number}",
        "experiment": "churn",
        "git_commit": f"commit{number}",
        "dataset": snapshot,
        "uri": f"file:///models/{number}",
        "page": f"http://127.0.0.1:5001/#/experiments/4/runs/mlflow{number}",
    }
    return dataset(
        "churn", namespace=MODELS, facets=version(str(number), mlops_model=facts)
    )


def trained(number: int, snapshot: str, at: float) -> list[dict[str, Any]]:
    """Return the runs that lead to a version of the model, told from minute `at` on."""
    digest = f"d{number}" * 10
    staged = dataset(
        "staged",
        {"age": "int", "price": "int"},
        {name: [(LOCAL, SOURCE, name)] for name in ("age", "price")},
        namespace="file",
    )
    snapshots = dataset(
        "customers",
        origins={n: [("file", "staged", n)] for n in ("age", "price")},
        namespace="dvc://localhost",
        facets=version(snapshot),
    )
    table = dataset(
        "training",
        origins={
            "age": [("dvc://localhost", "customers", "age")],
            "spend": [("dvc://localhost", "customers", n) for n in ("age", "price")],
        },
        influences=[("dvc://localhost", "customers", "price")],
        namespace="file",
        facets=version(digest, f"file:///objects/{digest}.parquet"),
    )
    model = registered(number, snapshot)
    decision = {"model": "churn", "version": number, "passed": number > 1}
    copied = run_event("extract", [dataset(SOURCE, namespace=LOCAL)], [staged], at=at)
    copied["job"]["facets"] = {"sql": {"query": COPY, **facet()}}
    return [
        copied,
        run_event("version", [staged], [snapshots], at=at + 1),
        run_event("prepare", [snapshots], [table], at=at + 2),
        run_event("train", [table], [model], at=at + 3),
        run_event("judge", [model], at=at + 4, facets={"mlops_decision": decision}),
    ]


def served(at: float) -> list[dict[str, Any]]:
    """Return the events by which version 2 is deployed and logs what it answers."""
    view = dataset(
        "view",
        origins={n: [("file", "training", n)] for n in ("age", "spend")},
        namespace="feast://customers",
    )
    model = dataset("churn", namespace=MODELS, facets=version("2"))
    endpoint = dataset(
        "churn", namespace=SERVICES, facets=version("2", "http://127.0.0.1:8081")
    )
    log = dataset(
        LOG,
        origins={
            "features": [("feast://customers", "view", n) for n in ("age", "spend")]
        },
        namespace=LOCAL,
    )
    return [
        run_event(
            "materialize", [dataset("training", namespace="file")], [view], at=at
        ),
        run_event("deploy", [model], [endpoint], at=at + 1),
        job_event("serve.churn", [model, view], [log], at=at + 1),
    ]


def log_predictions(connection: psycopg.Connection) -> None:
    """Log what version 2 answered to three requests, the last a hostile one."""
    connection.execute(LOG_SQL.read_bytes())
    rows = [
        (0, minute(40), "r1", "951", {"age": 40, "spend": None}),
        (1, minute(40), "r1", "952", {"age": 41, "spend": 1.5}),
        (2, minute(50), "r2", "951", {"age": 40, "spend": 2.5, "new": 1}),
        (3, minute(60), "r3", HOSTILE, {"age": 1, HOSTILE: HOSTILE}),
    ]
    for *names, features in rows:
        connection.execute(INSERT, (*names, json.dumps(features)))
