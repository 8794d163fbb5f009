-- Empties what events tell. Jobs and datasets keep their numbers, and what people gave
-- through the API stays. Readers see the old rows until the commit.
DELETE FROM lineage.runs;
DELETE FROM lineage.run_datasets;
DELETE FROM lineage.edges;
DELETE FROM lineage.column_edges;
DELETE FROM lineage.dataset_facets;
DELETE FROM lineage.job_facets;
DELETE FROM lineage.run_facets;
DELETE FROM lineage.dataset_versions;
DELETE FROM lineage.symlinks;
DELETE FROM lineage.dataset_tags WHERE by_facet;
DELETE FROM lineage.job_tags WHERE by_facet;
UPDATE lineage.datasets SET
    named = false, source = NULL, created_at = 'infinity', updated_at = '-infinity';
UPDATE lineage.jobs SET
    created_at = 'infinity', updated_at = '-infinity', designed_run = NULL,
    designed_at = NULL, current_run = NULL;
