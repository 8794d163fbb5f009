"""From a revision to features: which column each feature was made from."""

from functools import lru_cache
from pathlib import Path

from mlops_common.bootstrap import Platform
from mlops_common.lineage.dataset import (
    Dataset,
    Field,
    Origin,
    columns,
    copied,
    derived,
)
from mlops_common.lineage.naming import DatasetName, feature_view
from mlops_common.refs import DatasetRef
from uc1_churn.config import DatasetSpec
from uc1_churn.feature_repo.rendering import project
from uc1_churn.features.schema import (
    EVENT_TIMESTAMP,
    LABEL,
    FeatureSchema,
    FeatureTable,
)
from uc1_churn.lineage import places, tables
from uc1_churn.refs import FeaturesRef

DATABASE = "feast"
MOST = 20  # shapes of features whose definitions a process remembers


def written(
    platform: Platform, raw: DatasetRef, spec: DatasetSpec, features: FeaturesRef
) -> tuple[Dataset, ...]:
    """Return the feature table, the training set and the online features.

    Args:
        platform: Where they are.
        raw: The revision that they were made from.
        spec: Roles of its columns.
        features: What was made.
    """
    return (
        derived_table(platform, raw, features),
        training_set(platform, raw, spec, features),
        online(platform, features),
    )


def read(platform: Platform, features: FeaturesRef) -> Dataset:
    """Return the feature table as a step reads it."""
    name = places.stored(platform, features.table.key)
    return tables.of_object(platform, features.table.key, name)


def read_training_set(platform: Platform, features: FeaturesRef) -> Dataset:
    """Return the training set as a step reads it, with the revision it is made from."""
    ref = features.training_set
    name = places.stored(platform, ref.key)
    found = tables.of_object(platform, ref.key, name)
    made = {"dataset": {"revision": ref.revision, "digest": ref.digest}}
    return found.model_copy(update={"facets": made})


def derived_table(
    platform: Platform, raw: DatasetRef, features: FeaturesRef
) -> Dataset:
    """Return the feature table: what `features.derive` makes of each source column."""
    shape, origin = features.columns, places.revised(platform, raw)
    casts = derived(
        origin,
        {name: [name] for name in (shape.entity, *shape.features)},
        description="CAST",
    )
    return read(platform, features).model_copy(
        update={"origins": {**casts, **_instant(origin, shape)}}
    )


def training_set(
    platform: Platform, raw: DatasetRef, spec: DatasetSpec, features: FeaturesRef
) -> Dataset:
    """Return the training set: the features known at the instant of each label."""
    shape, origin = features.columns, places.revised(platform, raw)
    table = places.stored(platform, features.table.key)
    keys = derived(origin, {shape.entity: [shape.entity]}, description="CAST")
    label = derived(origin, {LABEL: [spec.label]}, description="label = positive")
    joined = derived(
        table,
        {name: [name] for name in shape.features},
        subtype="IDENTITY",
        description="AS OF JOIN",
    )
    return read_training_set(platform, features).model_copy(
        update={
            "origins": {**keys, **_instant(origin, shape), **joined, **label},
            "influences": _indirect(
                table, (shape.entity, EVENT_TIMESTAMP), "JOIN", "AS OF JOIN"
            ),
        }
    )


def online(platform: Platform, features: FeaturesRef) -> Dataset:
    """Return the online features: the latest of each entity in the feature table."""
    found, table = view(platform, features), features.table
    source = places.stored(platform, table.key)
    return found.model_copy(
        update={
            "version": table.digest,
            "rows": table.rows,
            "origins": copied(source, [field.name for field in found.fields]),
            "influences": _indirect(source, (EVENT_TIMESTAMP,), "SORT", "the latest"),
        }
    )


def view(platform: Platform, features: FeaturesRef) -> Dataset:
    """Return the feature view of a dataset, as Feast's definitions declare it."""
    from uc1_churn.feature_repo.definitions import VIEW

    shape = features.columns
    return Dataset(
        name=feature_view(project(shape.dataset), VIEW),
        fields=_declared(shape),
        kind="FEATURE_VIEW",
        symlinks=_stored_online(platform, shape, VIEW),
    )


@lru_cache(maxsize=MOST)
def _declared(shape: FeatureSchema) -> tuple[Field, ...]:
    """Return the columns of the view; Feast's definitions take milliseconds to make."""
    from uc1_churn.feature_repo.definitions import definitions

    found = definitions(FeatureTable(columns=shape, path=Path()))
    types = {field.name: str(field.dtype) for field in found.features.schema}
    return columns(types)


def _stored_online(
    platform: Platform, shape: FeatureSchema, view_name: str
) -> tuple[DatasetName, ...]:
    """Return the table of PostgreSQL in which Feast keeps a view online, if it does."""
    settings = platform.settings.feast
    if settings.redis is not None:
        return ()
    server = settings.postgres
    if server is None or not server.external:
        server = platform.settings.postgres
    table = f"{project(shape.dataset)}_{view_name}"
    return (places.table_of(server, DATABASE, table),)


def _instant(
    source: DatasetName, shape: FeatureSchema
) -> dict[str, tuple[Origin, ...]]:
    """Return the origin of `event_timestamp`, which a dataset may lack."""
    if shape.timestamp is None:
        return {}
    return derived(source, {EVENT_TIMESTAMP: [shape.timestamp]}, description="CAST")


def _indirect(
    source: DatasetName, names: tuple[str, ...], subtype: str, description: str
) -> tuple[Origin, ...]:
    return tuple(
        Origin(
            dataset=source,
            field=name,
            type="INDIRECT",
            subtype=subtype,
            description=description,
        )
        for name in names
    )
