"""The settings of the design's users, with a server for every part, to the letter."""

DESIGN = """\
environment: development
postgres: {host: postgresql.postgresql.svc.cluster.local, port: 5432, \
database: customers, user: postgres, password: postgres123}
minio: {endpoint: http://minio.minio.svc.cluster.local:9000, \
access_key: minioadmin, secret_key: minioadmin123, bucket: dvc-storage}
mlflow: {tracking_uri: http://mlflow.mlflow.svc.cluster.local:5000}
kubeflow: {host: http://localhost:8080}
feast: {repo_path: ./feature_repo}
uc1: {raw_data_path: raw/customers.parquet, model_name: churn-predictor, \
namespace: models}
"""
