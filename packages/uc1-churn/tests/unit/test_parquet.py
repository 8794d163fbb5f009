import io
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlops_common.errors import BackendError
from uc1_churn.tables import parquet

TABLE = pa.table({"customer": ["007", "008", "1e3"], "chance": [0.9, 0.5, 0.1]})


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 9])
def test_the_head_of_a_file_keeps_its_types(rows: int) -> None:
    file = io.BytesIO()
    pq.write_table(TABLE, file, row_group_size=2)

    assert parquet.head(file, rows) == TABLE.slice(0, rows)


def test_the_head_of_an_empty_file_has_its_columns() -> None:
    file = io.BytesIO()
    pq.write_table(TABLE.slice(0, 0), file)

    assert parquet.head(file, 5) == TABLE.slice(0, 0)


def test_a_temporary_folder_that_cannot_be_made_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))

    with (
        pytest.raises(BackendError, match=r"temporary folder: No such file.*TMPDIR"),
        parquet.session(tmp_path / "table.parquet"),
    ):
        pass
