"""Commands that bring in the user's own data."""

from pathlib import Path
from typing import Annotated

import typer

from mlops_common.commands.context import AsJson, platform_of


def load(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="CSV, CSV.GZ, Parquet or XLSX.")],
    table: Annotated[str, typer.Option(help="Table to make.")],
    key: Annotated[
        str | None, typer.Option(help="Add a column of this name: 1, 2, 3, …")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the table if it exists.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Load a file into PostgreSQL, with inferred types."""
    from mlops_common import console
    from mlops_common.postgres.loading import load_file

    platform = platform_of(context)
    with console.following():
        loaded = load_file(platform.postgres, path, table, key=key, replace=replace)
    if as_json:
        console.print_json(
            {
                "table": table,
                "rows": loaded.rows,
                "columns": loaded.columns,
                "blanks": loaded.blanks,
            }
        )
        return
    console.print_rows(("column", "type"), loaded.columns.items())
    typer.echo(f"{loaded.rows:,} rows in table {table}")
    if loaded.blanks:
        typer.echo(f"{loaded.blanks:,} blank values became NULL")
