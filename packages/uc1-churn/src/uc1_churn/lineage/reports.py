"""What the page of a run is made from."""

from pathlib import Path

from mlops_common.lineage.dataset import Dataset
from mlops_common.refs import ModelRef
from uc1_churn.lineage import places
from uc1_churn.lineage.quality import PAGE


def page(model: ModelRef, path: Path) -> Dataset:
    """Return the page of a version; those of all versions are one dataset.

    Examples:
        >>> model = ModelRef(name="churn", version=2, run_id="r", uri="u", digest="d")
        >>> found = page(model, Path("/reports/churn-v2.html"))
        >>> print(found.name, found.version)
        file/reports/churn.html 2
    """
    return Dataset(
        name=places.file(path.with_name(f"{model.name}.html")),
        fields=PAGE,
        version=str(model.version),
        size=path.stat().st_size if path.is_file() else None,
        files=1,
        kind="FILE",
        uri=path.absolute().as_uri(),
    )
