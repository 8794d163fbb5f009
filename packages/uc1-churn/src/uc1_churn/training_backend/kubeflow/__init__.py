"""Training on a Kubeflow Pipelines server."""
