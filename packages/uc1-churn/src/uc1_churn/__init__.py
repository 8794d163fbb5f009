"""UC1: churn prediction, from a PostgreSQL table to a served, explained model."""
