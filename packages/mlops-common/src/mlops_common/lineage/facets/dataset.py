"""Facets of datasets, as a run reads or writes them."""

from collections.abc import Iterable
from typing import Any

from openlineage.client import event_v2, facet_v2

from mlops_common.lineage.dataset import ColumnMetrics, Dataset, Origin
from mlops_common.lineage.facets.own import Facets, own_facets
from mlops_common.params import masked


def input_dataset(dataset: Dataset) -> event_v2.InputDataset:
    """Return a dataset that a run reads."""
    found: Facets = {}
    if dataset.metrics:
        metrics = facet_v2.data_quality_metrics_input_dataset
        found["dataQualityMetrics"] = metrics.DataQualityMetricsInputDatasetFacet(
            **_metrics(dataset, metrics.ColumnMetrics)
        )
    if dataset.assertions:
        found["dataQualityAssertions"] = _assertions(dataset)
    if _counted(dataset):
        statistics = facet_v2.input_statistics_input_dataset
        found["inputStatistics"] = statistics.InputStatisticsInputDatasetFacet(
            rowCount=dataset.rows, size=dataset.size, fileCount=dataset.files
        )
    name = dataset.name
    return event_v2.InputDataset(
        name.namespace, name.name, facets=_facets(dataset), inputFacets=found
    )


def output_dataset(dataset: Dataset) -> event_v2.OutputDataset:
    """Return a dataset that a run writes."""
    facets = _facets(dataset)
    found: Facets = {}
    if dataset.metrics:
        metrics = facet_v2.data_quality_metrics_dataset
        facets["dataQualityMetrics"] = metrics.DataQualityMetricsDatasetFacet(
            **_metrics(dataset, metrics.ColumnMetrics)
        )
    if dataset.assertions:
        facets["dataQualityAssertions"] = _assertions(dataset)
    if dataset.origins or dataset.influences:
        facets["columnLineage"] = _column_lineage(dataset)
    if _counted(dataset):
        statistics = facet_v2.output_statistics_output_dataset
        found["outputStatistics"] = statistics.OutputStatisticsOutputDatasetFacet(
            rowCount=dataset.rows, size=dataset.size, fileCount=dataset.files
        )
    name = dataset.name
    return event_v2.OutputDataset(
        name.namespace, name.name, facets=facets, outputFacets=found
    )


def _facets(dataset: Dataset) -> Facets:
    """Return what is known of a dataset, read or written."""
    facets: Facets = {"dataSource": _source(dataset), **_own(dataset)}
    if dataset.fields:
        facets["schema"] = _schema(dataset)
    if dataset.version:
        version = facet_v2.dataset_version_dataset.DatasetVersionDatasetFacet
        facets["version"] = version(dataset.version)
    if dataset.owner:
        ownership = facet_v2.ownership_dataset
        facets["ownership"] = ownership.OwnershipDatasetFacet(
            [ownership.Owner(dataset.owner)]
        )
    if dataset.documentation:
        documentation = facet_v2.documentation_dataset.DocumentationDatasetFacet
        facets["documentation"] = documentation(dataset.documentation)
    if dataset.kind:
        kind = facet_v2.dataset_type_dataset.DatasetTypeDatasetFacet
        facets["datasetType"] = kind(dataset.kind)
    if dataset.lifecycle:
        change = facet_v2.lifecycle_state_change_dataset
        facets["lifecycleStateChange"] = change.LifecycleStateChangeDatasetFacet(
            change.LifecycleStateChange(dataset.lifecycle)
        )
    if dataset.symlinks:
        facets["symlinks"] = _symlinks(dataset)
    return facets


def _own(dataset: Dataset) -> Facets:
    """Return our facets; where a dataset is has none of OpenLineage's."""
    where = {"location": {"uri": masked(dataset.uri)}} if dataset.uri else {}
    return own_facets({**dataset.facets, **where})


def _source(dataset: Dataset) -> facet_v2.datasource_dataset.DatasourceDatasetFacet:
    namespace = dataset.name.namespace
    source = facet_v2.datasource_dataset.DatasourceDatasetFacet
    return source(
        name=dataset.source or namespace,
        uri=namespace if "://" in namespace else None,
    )


def _schema(dataset: Dataset) -> facet_v2.schema_dataset.SchemaDatasetFacet:
    schema = facet_v2.schema_dataset
    return schema.SchemaDatasetFacet(
        [
            schema.SchemaDatasetFacetFields(
                field.name,
                type=field.type or None,
                description=field.description or None,
                ordinal_position=number,
                fields=None,
            )
            for number, field in enumerate(dataset.fields, start=1)
        ]
    )


def _symlinks(dataset: Dataset) -> facet_v2.symlinks_dataset.SymlinksDatasetFacet:
    symlinks = facet_v2.symlinks_dataset
    return symlinks.SymlinksDatasetFacet(
        [
            symlinks.Identifier(namespace=name.namespace, name=name.name, type="TABLE")
            for name in dataset.symlinks
        ]
    )


def _column_lineage(
    dataset: Dataset,
) -> facet_v2.column_lineage_dataset.ColumnLineageDatasetFacet:
    lineage = facet_v2.column_lineage_dataset
    return lineage.ColumnLineageDatasetFacet(
        fields={
            column: lineage.Fields(inputFields=_input_fields(origins))
            for column, origins in dataset.origins.items()
            if origins
        },
        dataset=_input_fields(dataset.influences) or None,
    )


def _input_fields(
    origins: Iterable[Origin],
) -> list[facet_v2.column_lineage_dataset.InputField]:
    lineage = facet_v2.column_lineage_dataset
    return [
        lineage.InputField(
            namespace=origin.dataset.namespace,
            name=origin.dataset.name,
            field=origin.field,
            transformations=[
                lineage.Transformation(
                    type=origin.type,
                    subtype=origin.subtype or None,
                    description=origin.description or None,
                    masking=origin.masking,
                )
            ]
            if origin.type
            else None,
        )
        for origin in origins
    ]


def _metrics(dataset: Dataset, column: Any) -> dict[str, Any]:
    """Return what was counted; the classes for what is read and written differ."""
    return {
        "columnMetrics": {
            name: column(**_counts(found)) for name, found in dataset.metrics.items()
        },
        "rowCount": dataset.rows,
        "bytes": dataset.size,
        "fileCount": dataset.files,
    }


def _counts(found: ColumnMetrics) -> dict[str, Any]:
    return {
        "nullCount": found.nulls,
        "distinctCount": found.distinct,
        "count": found.count,
        "sum": found.sum,
        "min": found.min,
        "max": found.max,
        "quantiles": dict(found.quantiles) or None,
    }


def _assertions(
    dataset: Dataset,
) -> facet_v2.data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet:
    quality = facet_v2.data_quality_assertions_dataset
    return quality.DataQualityAssertionsDatasetFacet(
        [
            quality.Assertion(
                assertion=one.assertion,
                success=one.success,
                column=one.column or None,
                severity=one.severity or None,
                expected=one.expected or None,
                actual=one.actual or None,
                params=None,
            )
            for one in dataset.assertions
        ]
    )


def _counted(dataset: Dataset) -> bool:
    counts = (dataset.rows, dataset.size, dataset.files)
    return any(count is not None for count in counts)
