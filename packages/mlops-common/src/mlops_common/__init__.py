"""The small library under the use cases: settings, systems, and the `mlops` command."""
