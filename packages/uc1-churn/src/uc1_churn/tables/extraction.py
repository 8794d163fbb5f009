"""What is read from the source table."""

from psycopg import sql

from uc1_churn.config import DatasetSpec


def query(spec: DatasetSpec) -> str | sql.Composable:
    """Return the SELECT that reads the columns which `spec` gives a role.

    Where features are to be inferred, all columns are read.

    Args:
        spec: Which table or query, and the role of its columns.

    Examples:
        >>> from uc1_churn.config import CUSTOMERS
        >>> query(CUSTOMERS).as_string()[:40]
        'SELECT "customer_id", "age", "tenure_mon'
    """
    if spec.query is not None:
        return spec.query
    table = sql.SQL(".").join(map(sql.Identifier, (spec.table or "").split(".")))
    return sql.SQL("SELECT {} FROM {}").format(_columns(spec), table)


def _columns(spec: DatasetSpec) -> sql.Composable:
    if spec.numeric is None or spec.categorical is None:
        return sql.SQL("*")
    features = (*spec.numeric, *spec.categorical)
    last = (spec.timestamp,) if spec.timestamp else ()
    names = (spec.entity, *features, spec.label, *last)
    return sql.SQL(", ").join(map(sql.Identifier, names))
