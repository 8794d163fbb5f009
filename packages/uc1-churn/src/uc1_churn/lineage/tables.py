"""What a Parquet file tells of itself: columns, rows, bytes, and counts by column."""

import math
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow.parquet as pq

from mlops_common.bootstrap import Platform
from mlops_common.lineage.dataset import ColumnMetrics, Dataset, arrow_columns
from mlops_common.lineage.naming import DatasetName
from mlops_common.refs import DatasetRef

END = 2  # of a stream, for `seek`
MOST = 100  # objects whose footers a process remembers

_known: dict[str, Dataset] = {}  # by URI: what is under a digest does not change


def of_file(path: Path, name: DatasetName) -> Dataset:
    """Return what the footer of a file tells of the dataset `name`."""
    return _described(path, path.stat().st_size, name)


def of_object(platform: Platform, key: str, name: DatasetName) -> Dataset:
    """Return what the footer of an object tells of the dataset `name`.

    A copy at hand tells it, else the object's footer alone is read, once in a process.
    Its digest, the stem of its key, is the version.

    Raises:
        NotFoundError: There is no such object.
        BackendError: The store failed.
    """
    digest, uri = Path(key).stem, platform.objects.uri(key)
    ref = DatasetRef(name=name.name, key=key, digest=digest, rows=0)
    found = _known.get(uri)
    if found is None:
        file = platform.datasets.at_hand(ref)
        if file is not None:
            found = of_file(file, name)
        else:
            with platform.objects.open(key) as stream:
                size = stream.seek(0, END)
                stream.seek(0)
                found = _described(stream, size, name)
        if len(_known) >= MOST:
            _known.clear()
        _known[uri] = found
    return found.model_copy(update={"name": name, "version": digest, "uri": uri})


def metrics(path: Path) -> dict[str, ColumnMetrics]:
    """Return what the statistics of a file count in each column.

    Examples:
        >>> import pyarrow as pa, tempfile
        >>> file = Path(tempfile.mkdtemp()) / "a.parquet"
        >>> pq.write_table(pa.table({"age": [41.0, None, 18.0]}), file)
        >>> found = metrics(file)["age"]
        >>> found.nulls, found.count, found.min, found.max
        (1, 2.0, 18.0, 41.0)
    """
    with pq.ParquetFile(path) as file:
        schema, footer = file.schema_arrow, file.metadata
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    found = {}
    # A nested column has several leaves, and none of them is the column.
    if footer.num_columns == len(schema.names):
        for number, name in enumerate(schema.names):
            chunks = [group.column(number).statistics for group in groups]
            if chunks and all(chunk is not None for chunk in chunks):
                found[name] = _counted(chunks, footer.num_rows)
    return found


def _described(source: Path | BinaryIO, size: int, name: DatasetName) -> Dataset:
    with pq.ParquetFile(source) as file:
        return Dataset(
            name=name,
            fields=arrow_columns(file.schema_arrow),
            rows=file.metadata.num_rows,
            size=size,
            files=1,
            kind="FILE",
        )


def _counted(chunks: list[Any], rows: int) -> ColumnMetrics:
    nulls = None
    if all(chunk.has_null_count for chunk in chunks):
        nulls = sum(chunk.null_count for chunk in chunks)
    bounds = [
        bound
        for chunk in chunks
        if chunk.has_min_max
        for bound in (chunk.min, chunk.max)
        if _number(bound)
    ]
    return ColumnMetrics(
        nulls=nulls,
        count=None if nulls is None else rows - nulls,
        min=min(bounds, default=None),
        max=max(bounds, default=None),
    )


def _number(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value)
