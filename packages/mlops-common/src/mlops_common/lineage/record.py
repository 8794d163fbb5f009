"""An observation as bytes, of bounded size, and back."""

from typing import Any

from mlops_common.lineage.dataset import Dataset
from mlops_common.lineage.json_value import STRIPPED
from mlops_common.lineage.observation import Observation

LARGEST = 2 << 20  # bytes of a record
MOST_DATASETS = 1_000  # that a record reads, and that it writes
# What a dataset keeps in such a record.
KEPT = frozenset(
    {"name", "version", "rows", "size", "files", "kind", "source", "owner", "lifecycle"}
)


def record(seen: Observation) -> bytes:
    """Return an observation as JSON.

    One that would be larger than 2 MiB, or that reads or writes more than 2,000
    datasets, names the first 1,000 of each kind, without columns, column lineage,
    metrics, assertions, queries and facets, and says so in the facet `mlops_stripped`.

    Examples:
        >>> from datetime import UTC, datetime
        >>> from mlops_common.lineage.observation import declared
        >>> service = declared("serve.churn", datetime(2026, 1, 31, tzinfo=UTC))
        >>> observation(record(service)) == service
        True
    """
    if max(len(seen.inputs), len(seen.outputs)) > 2 * MOST_DATASETS:
        return _json(_stripped(seen, 0))
    whole = _json(seen)
    return whole if len(whole) <= LARGEST else _json(_stripped(seen, len(whole)))


def observation(text: bytes) -> Observation:
    """Return the observation of a record.

    Raises:
        ValidationError: It is of another version of this program.
    """
    return Observation.model_validate_json(text)


def _json(seen: Observation) -> bytes:
    text = seen.model_dump_json(exclude_defaults=True, fallback=str, warnings=False)
    return text.encode()


def _stripped(seen: Observation, size: int) -> Observation:
    left_out: dict[str, Any] = {
        "bytes": size,
        "limit": LARGEST,
        STRIPPED: "columns, column lineage, metrics, assertions, queries and facets",
        "inputs": len(seen.inputs),
        "outputs": len(seen.outputs),
    }
    return seen.model_copy(
        update={
            "inputs": _names(seen.inputs),
            "outputs": _names(seen.outputs),
            "statements": (),
            "facets": {STRIPPED: left_out},
        }
    )


def _names(datasets: tuple[Dataset, ...]) -> tuple[Dataset, ...]:
    """Return datasets with what is short of them."""
    return tuple(
        Dataset(**{key: getattr(one, key) for key in KEPT & one.model_fields_set})
        for one in datasets[:MOST_DATASETS]
    )
