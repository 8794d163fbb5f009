"""Facets of a run, and of its job."""

from openlineage.client import facet_v2

from mlops_common.lineage.facets.own import Facets, own_facets
from mlops_common.lineage.observation import JobRun, Observation
from mlops_common.lineage.source import page
from mlops_common.params import masked

INTEGRATION = "MLOPS"
LANGUAGE = "python"


def run_facets(seen: Observation, namespace: str) -> Facets:
    """Return what is known of a run.

    Args:
        seen: The observation.
        namespace: Of the jobs that name none.
    """
    facets = own_facets(seen.facets)
    if seen.parent is not None:
        root = seen.root or seen.parent
        facets["parent"] = _parent(seen.parent, root, namespace)
    if seen.nominal_start is not None:
        end = seen.nominal_end.isoformat() if seen.nominal_end else None
        facets["nominalTime"] = facet_v2.nominal_time_run.NominalTimeRunFacet(
            nominalStartTime=seen.nominal_start.isoformat(), nominalEndTime=end
        )
    if seen.engine is not None:
        engine = facet_v2.processing_engine_run.ProcessingEngineRunFacet
        facets["processing_engine"] = engine(
            version=seen.engine.version, name=seen.engine.name
        )
    if seen.failure is not None:
        facets["errorMessage"] = facet_v2.error_message_run.ErrorMessageRunFacet(
            message=seen.failure.message,
            programmingLanguage=LANGUAGE,
            stackTrace=seen.failure.stack or None,
        )
    return facets


def job_facets(seen: Observation) -> Facets:
    """Return what is known of the job of a run."""
    facets: Facets = {}
    if seen.job_type:  # without it, Marquez refuses the facet and the whole event
        facets["jobType"] = facet_v2.job_type_job.JobTypeJobFacet(
            processingType="BATCH" if seen.run else "SERVICE",
            integration=seen.engine.name.upper() if seen.engine else INTEGRATION,
            jobType=seen.job_type,
        )
    if seen.documentation:
        documentation = facet_v2.documentation_job.DocumentationJobFacet
        facets["documentation"] = documentation(seen.documentation)
    if seen.statements:
        queries = ";\n".join(one.query.rstrip("; \n") for one in seen.statements)
        facets["sql"] = facet_v2.sql_job.SQLJobFacet(
            query=masked(queries), dialect=seen.statements[0].dialect
        )
    if seen.code is not None:
        facets |= _code(seen)
    return facets


def _parent(
    parent: JobRun, root: JobRun, namespace: str
) -> facet_v2.parent_run.ParentRunFacet:
    named = facet_v2.parent_run
    return named.ParentRunFacet(
        run=named.Run(parent.run),
        job=named.Job(parent.namespace or namespace, parent.job),
        root=named.Root(
            run=named.RootRun(root.run),
            job=named.RootJob(root.namespace or namespace, root.job),
        ),
    )


def _code(seen: Observation) -> Facets:
    """Return where the code is: in a repository, and in which package."""
    code = seen.code
    if code is None:
        return {}
    package = {"module": code.module, "distribution": code.distribution}
    facets = own_facets({"code": {**package, "commit": code.commit}})
    if code.commit:
        location = facet_v2.source_code_location_job.SourceCodeLocationJobFacet
        facets["sourceCodeLocation"] = location(
            type="git",
            url=page(code),
            repoUrl=code.repository or None,
            path=code.path,
            version=code.commit,
            branch=code.branch or None,
        )
    return facets
