"""Serving: models behind stable URLs, on this machine or by KServe."""
