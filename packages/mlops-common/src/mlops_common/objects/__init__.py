"""Object storage: blobs by key, in a folder or behind the S3 API."""
