-- Drops what no event names any more.
DELETE FROM lineage.dataset_tags AS tag USING lineage.datasets AS dataset
WHERE dataset.id = tag.dataset_id AND dataset.created_at = 'infinity';
DELETE FROM lineage.datasets WHERE created_at = 'infinity';
DELETE FROM lineage.job_tags AS tag USING lineage.jobs AS job
WHERE job.id = tag.job_id AND job.created_at = 'infinity';
DELETE FROM lineage.jobs WHERE created_at = 'infinity';
