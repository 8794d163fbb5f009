"""How the places of a cluster are named."""

from pathlib import Path

from mlops_common.bootstrap import Platform
from mlops_common.refs import DatasetRef
from mlops_common.settings import Settings
from uc1_churn.lineage import (
    places,
)


def test_a_cluster_and_a_bucket_have_other_names(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {
            "home": tmp_path,
            "postgres": {"host": "DB.example", "port": 6432, "database": "crm"},
            "minio": {"endpoint": "http://minio:9000", "bucket": "lake"},
            "mlflow": {"tracking_uri": "https://ann:s3cret@mlflow.example"},
            "kserve": {"host": "https://k8s"},
        }
    )
    platform = Platform(settings)
    raw = DatasetRef(
        name="shop", key="raw/shop/ab.parquet", digest="ab", rows=1, revision="shop@v1"
    )

    assert [
        str(places.source_table(platform, "sales.clients")),
        str(places.stored(platform, raw.key)),
        str(places.revised(platform, raw)),
        str(places.model(platform, "churn")),
        str(places.endpoint(platform, "churn", "models")),
        str(places.prediction_log(platform)),
    ] == [
        "postgres://db.example:6432/crm.sales.clients",
        "s3://lake/raw/shop",
        "dvc://lake/shop",
        "mlflow://mlflow.example:443/churn",
        "kserve://models/churn",
        "postgres://db.example:6432/mlops.serving.predictions",
    ]
