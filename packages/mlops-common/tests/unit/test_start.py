"""What the command imports before it is known what it has to do."""

import pytest

from mlops_common.testing.command import python

CLIENTS = {
    *("boto3", "botocore", "dvc", "feast", "git", "kfp", "kserve", "kubernetes"),
    *("mlflow", "prefect", "psycopg", "redis", "requests", "s3fs", "sqlalchemy"),
    *("numpy", "pandas", "pyarrow", "sklearn", "uvicorn"),
}
SERVERS = """
postgres: {host: db.example, password_file: password}
minio: {endpoint: http://minio.example:9000, bucket: b}
mlflow: {tracking_uri: http://mlflow.example:5000}
kubeflow: {host: http://kubeflow.example:8888}
feast: {redis: {host: redis.example}}
kserve: {in_cluster: true}
"""
# What a command has imported when it ends, as the last line of its errors.
PROGRAM = """
import sys
from mlops_common import cli
try:
    cli.main(sys.argv[1:])
finally:
    print(*{name.partition(".")[0] for name in sys.modules}, file=sys.stderr)
"""


@pytest.mark.parametrize(
    "words", [("--help",), ("config", "show"), ("config", "schema")], ids=" ".join
)
@pytest.mark.parametrize("text", ["", SERVERS], ids=["embedded", "servers"])
def test_no_client_of_a_system_is_imported_to_start(
    tmp_path_factory: pytest.TempPathFactory, words: tuple[str, ...], text: str
) -> None:
    folder = tmp_path_factory.mktemp("start")
    (folder / "config.yaml").write_text(text, "utf-8")

    said = python("-c", PROGRAM, *words, folder=folder)

    imported = set(said.err.splitlines()[-1].split())
    assert said.code == 0, said.err
    assert "mlops_common" in imported
    assert imported & CLIENTS == set()


def test_the_platform_imports_no_client_before_its_first_use() -> None:
    program = (
        "import sys; from pathlib import Path; "
        "from mlops_common.bootstrap import Platform; "
        "from mlops_common.settings import Settings; "
        "Platform(Settings(home=Path())); print(*sys.modules)"
    )

    said = python("-c", program)

    assert said.code == 0, said.err
    assert set(said.out.split()) & CLIENTS == set()
