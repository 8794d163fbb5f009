"""SQL that a run executed, as it says."""

from mlops_common.lineage.dataset import Text
from mlops_common.lineage.naming import DatasetName
from mlops_common.refs import Ref


class Statement(Ref):
    """A statement of SQL that a run executed.

    Attributes:
        query: Its text.
        dialect: Such as `postgres`.
        server: Namespace of its tables, such as `postgres://db:5432`.
        database: Of the tables that name none.
        schema_name: Of the tables that name none.
        output: What its rows were written to, where that is no table that it names.
    """

    query: Text
    dialect: str = "postgres"
    server: Text = ""
    database: Text = ""
    schema_name: Text = "public"
    output: DatasetName | None = None
