"""Fits the churn model."""
