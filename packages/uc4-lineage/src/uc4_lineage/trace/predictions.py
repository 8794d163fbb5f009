"""Predictions as the log of the model servers keeps them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mlops_common.errors import ConfigError, NotFoundError
from uc4_lineage.naming import shown, storable
from uc4_lineage.reading import Reader

MOST = 1_000  # rows of a request
SUGGESTED = 3
NONE_YET = (
    "no prediction is logged yet; serve a model with `mlops run uc1` and ask it, or "
    "run `mlops demo`"
)


@dataclass(frozen=True, slots=True)
class Prediction:
    """One row that a service answered.

    Attributes:
        request: Id of the request.
        entity: Whom the row is about; empty if nobody told.
        at: When it was answered.
        service: Name of the service.
        model: Registered name of the model.
        version: Version of the model.
        features: Value by feature, as they were sent.
        probability: What was answered.
    """

    request: str
    entity: str
    at: datetime
    service: str
    model: str
    version: int
    features: Mapping[str, Any]
    probability: float


def logged(
    reader: Reader, request: str | None = None, entity: str | None = None
) -> tuple[Prediction, ...]:
    """Return the predictions of a request, or the last one about an entity.

    Args:
        reader: Reads the database of the log.
        request: Id of the request.
        entity: Whom it is about; with a request, which of its rows.

    Returns:
        At least one, in the order of the request, at most 1,000.

    Raises:
        ConfigError: Neither a request nor an entity is given.
        NotFoundError: There is no such prediction; names the last ones.
        BackendError: The log cannot be read.
    """
    if not request and not entity:
        raise ConfigError("give the id of a request, or --entity for its last one")
    if not reader.rows("prediction_log")[0][0]:
        raise NotFoundError(NONE_YET)
    limit = MOST if request else 1
    wanted = {"request": request or None, "entity": entity or None, "limit": limit}
    known = all(storable(text) for text in (request, entity) if text)
    rows = reader.rows("predictions", **wanted) if known else []
    if not rows:
        raise _unknown(reader, request, entity)
    return tuple(
        Prediction(number, about or "", at, service, model, version, features, chance)
        for number, about, at, service, model, version, features, chance in rows
    )


def _unknown(reader: Reader, request: str | None, entity: str | None) -> NotFoundError:
    last = reader.rows("last_predictions", limit=SUGGESTED)
    if not last:
        return NotFoundError(NONE_YET)
    asked = [f"request {request!r}"] if request else []
    asked += [f"entity {entity!r}"] if entity else []
    names = [
        shown(f"{number} ({about})" if about else number) for number, about in last
    ]
    return NotFoundError(
        f"no prediction of {' and '.join(asked)} is logged; the last requests are "
        f"{', '.join(names)}"
    )
