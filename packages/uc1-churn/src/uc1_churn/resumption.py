"""Which steps of a run may be skipped by a later one, and how it sees that they may.

| step | a later run of the same content |
|---|---|
| extract | reads again: the table changes, and its bytes decide all that follows |
| upload, version | run again, and store nothing that is stored: both go by the digest |
| validate | skips, while the contract, the pages and the approval are the same |
| features | skips, while the objects are there and the online store serves them |
| train | skips, while the version was neither served nor refused, nor deleted |
| judge, deploy, target, report | run again: they depend on what serves now |

Each function gets what the step returned, and then its arguments by name.
"""

from datetime import UTC, datetime
from pathlib import Path

from mlops_common.bootstrap import Platform, connect
from mlops_common.errors import RefusedError
from mlops_common.refs import DatasetRef, ModelRef
from uc1_churn import provenance
from uc1_churn.bootstrap import feature_store
from uc1_churn.config import ChurnParams, DatasetSpec
from uc1_churn.features.schema import FeatureTable
from uc1_churn.refs import FeaturesRef, ValidatedRef
from uc1_churn.serving import parity
from uc1_churn.training_backend import outcome
from uc1_churn.training_backend.attempt import run_key
from uc1_churn.validation.contract import resolve

LOOKED_UP = 20  # customers, as the online store may have been emptied


def still_validated(
    found: ValidatedRef,
    *,
    raw: DatasetRef,
    spec: DatasetSpec,
    contract: str | Path | None,
) -> bool:
    """Whether the contract is the same, on the same day where it limits the age.

    And whether the page is there, and no other revision was approved meanwhile.
    """
    platform = connect()
    promised = resolve(contract, spec, platform.datasets.path(raw))
    today = found.validated.date() == datetime.now(UTC).date()
    platform.objects.read(found.docs, 0, 1)
    return (
        promised == found.contract
        and (promised.max_age_days is None or today)
        and platform.datasets.revision(raw.name).revision == raw.revision
    )


def still_materialized(
    found: FeaturesRef, *, raw: DatasetRef, spec: DatasetSpec
) -> bool:
    """Whether both tables are stored, and the online store serves the features."""
    platform = connect()
    if (found.table.revision, found.columns.dataset) != (raw.revision, spec.name):
        return False
    return (
        _stored(platform, found.table)
        and _stored(platform, found.training_set)
        and _served(platform, found)
    )


def still_trained(
    found: ModelRef, *, features: FeaturesRef, params: ChurnParams
) -> bool:
    """Whether the attempt at hand registered just this version, which still exists."""
    platform, table = connect(), features.training_set
    key = run_key(platform, table, params, provenance.code_digest())
    return outcome.kept(platform.objects, key) == found


def _stored(platform: Platform, table: DatasetRef) -> bool:
    return platform.objects.digest(table.key) == table.digest


def _served(platform: Platform, features: FeaturesRef) -> bool:
    """Whether the online store was filled last from this table, and not emptied."""
    store, columns = feature_store(platform), features.columns
    table = FeatureTable(columns=columns, path=platform.datasets.path(features.table))
    if store.materialized(columns.dataset) != table.path.name:
        return False
    offline = parity.sample(table, LOOKED_UP)
    online = store.online(columns, offline[columns.entity].to_pylist())
    try:
        parity.compare(offline, online, key=columns.entity)
    except RefusedError:
        return False
    return True
