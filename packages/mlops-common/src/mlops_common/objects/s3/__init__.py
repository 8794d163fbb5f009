"""Objects in a bucket of any server that speaks the S3 API."""

from mlops_common.objects.s3.store import S3ObjectStore

__all__ = ["S3ObjectStore"]
