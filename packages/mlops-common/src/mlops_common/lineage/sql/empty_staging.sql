-- Makes room for the next batch of the same transaction.
DELETE FROM in_jobs;
DELETE FROM in_datasets;
DELETE FROM in_sources;
DELETE FROM in_runs;
DELETE FROM in_run_datasets;
DELETE FROM in_column_edges;
DELETE FROM in_dataset_facets;
DELETE FROM in_job_facets;
DELETE FROM in_run_facets;
DELETE FROM in_dataset_versions;
DELETE FROM in_dataset_tags;
DELETE FROM in_job_tags;
DELETE FROM in_touched;
DELETE FROM in_symlinks;
DELETE FROM in_canonical;
DELETE FROM in_moved;
