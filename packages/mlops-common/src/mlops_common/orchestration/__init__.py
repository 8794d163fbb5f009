"""The one bridge to Prefect."""
