-- Merges facets, and what the tables know from facets: sources and tags. What an event
-- says again counts: it may say more of a dataset that another name stands for now.
INSERT INTO lineage.dataset_facets AS old (
    dataset_id, name, facet, at, run_id, told_by, deleted
)
SELECT
    dataset.id, new.name, new.facet, new.at, new.run_id, new.told_by, new.deleted
FROM in_dataset_facets AS new
JOIN in_datasets AS dataset ON dataset.number = new.dataset
ON CONFLICT (dataset_id, name) DO UPDATE SET
    facet = excluded.facet, at = excluded.at, run_id = excluded.run_id,
    told_by = excluded.told_by, deleted = excluded.deleted
WHERE (excluded.at, excluded.told_by) >= (old.at, old.told_by);

INSERT INTO lineage.job_facets AS old (job_id, name, facet, at, told_by, deleted)
SELECT job.id, new.name, new.facet, new.at, new.told_by, new.deleted
FROM in_job_facets AS new
JOIN in_jobs AS job ON job.number = new.job
ON CONFLICT (job_id, name) DO UPDATE SET
    facet = excluded.facet, at = excluded.at, told_by = excluded.told_by,
    deleted = excluded.deleted
WHERE (excluded.at, excluded.told_by) >= (old.at, old.told_by);

INSERT INTO lineage.run_facets AS old (run_id, name, facet, at, told_by)
SELECT run_id, name, facet, at, told_by FROM in_run_facets
ON CONFLICT (run_id, name) DO UPDATE SET
    facet = excluded.facet, at = excluded.at, told_by = excluded.told_by
WHERE (excluded.at, excluded.told_by) >= (old.at, old.told_by);

INSERT INTO lineage.sources AS old (name, type, connection_url, created_at, updated_at)
SELECT name, type, url, first_at, last_at FROM in_sources
ON CONFLICT (name) DO UPDATE SET
    (type, connection_url, updated_at) = (
        SELECT s.type, s.url, s.at
        FROM (VALUES
            (old.type, old.connection_url, old.updated_at),
            (excluded.type, excluded.connection_url, excluded.updated_at)
        ) AS s (type, url, at)
        ORDER BY s.at DESC, s.url COLLATE "C" DESC NULLS LAST
        LIMIT 1
    ),
    created_at = least(old.created_at, excluded.created_at)
WHERE excluded.created_at < old.created_at OR excluded.updated_at >= old.updated_at;

UPDATE lineage.datasets AS dataset SET source = told.facet ->> 'name'
FROM in_datasets AS new
JOIN lineage.dataset_facets AS told
    ON told.dataset_id = new.id AND told.name = 'dataSource'
WHERE dataset.id = new.id
    AND dataset.source IS DISTINCT FROM told.facet ->> 'name';

INSERT INTO lineage.tags (name)
SELECT tag FROM in_dataset_tags UNION SELECT tag FROM in_job_tags
ON CONFLICT (name) DO NOTHING;

INSERT INTO lineage.dataset_tags AS old (dataset_id, field, tag, tagged_at, by_facet)
SELECT dataset.id, new.field, new.tag, new.tagged_at, true
FROM in_dataset_tags AS new
JOIN in_datasets AS dataset ON dataset.number = new.dataset
ON CONFLICT (dataset_id, field, tag) DO UPDATE SET
    tagged_at = least(old.tagged_at, excluded.tagged_at)
WHERE excluded.tagged_at < old.tagged_at;

INSERT INTO lineage.job_tags AS old (job_id, tag, tagged_at, by_facet)
SELECT job.id, new.tag, new.tagged_at, true
FROM in_job_tags AS new
JOIN in_jobs AS job ON job.number = new.job
ON CONFLICT (job_id, tag) DO UPDATE SET
    tagged_at = least(old.tagged_at, excluded.tagged_at)
WHERE excluded.tagged_at < old.tagged_at;
