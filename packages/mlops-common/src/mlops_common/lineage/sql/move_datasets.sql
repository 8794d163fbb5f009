-- Lets names stand for other datasets, as `in_canonical` says. What was said of a
-- dataset that other names stand for now is removed, and the events that said it are
-- noted in `in_replayed`, to be told again.
INSERT INTO lineage.datasets (namespace, name, named, created_at, updated_at)
SELECT DISTINCT canonical_namespace, canonical_name, false,
    'infinity'::timestamptz, '-infinity'::timestamptz
FROM in_canonical AS new
WHERE NOT EXISTS (
    SELECT FROM lineage.datasets AS old
    WHERE (old.namespace, old.name) = (new.canonical_namespace, new.canonical_name)
);

INSERT INTO in_moved (dataset_id)
SELECT old.id
FROM in_canonical AS new
JOIN lineage.datasets AS old ON (old.namespace, old.name) = (new.namespace, new.name)
WHERE (new.namespace, new.name) <> (new.canonical_namespace, new.canonical_name)
UNION
SELECT link.dataset_id
FROM in_canonical AS new
JOIN lineage.symlinks AS link
    ON (link.namespace, link.name) = (new.namespace, new.name)
JOIN lineage.datasets AS canonical
    ON (canonical.namespace, canonical.name)
        = (new.canonical_namespace, new.canonical_name)
WHERE link.dataset_id <> canonical.id;

INSERT INTO in_replayed (id)
SELECT event.id
FROM in_moved AS moved
JOIN lineage.run_datasets AS named ON named.dataset_id = moved.dataset_id
JOIN lineage.events AS event ON event.run_id = named.run_id
UNION
SELECT event.id
FROM in_moved AS moved
JOIN lineage.run_datasets AS named ON named.dataset_id = moved.dataset_id
JOIN lineage.events AS event ON event.digest = named.run_id
UNION
SELECT event.id
FROM in_moved AS moved
JOIN lineage.column_edges AS edge
    ON edge.input_id = moved.dataset_id OR edge.output_id = moved.dataset_id
JOIN lineage.jobs AS job ON job.id = edge.job_id
JOIN lineage.events AS event
    ON (event.job_namespace, event.job_name) = (job.namespace, job.name)
UNION
SELECT event.id
FROM (
    SELECT namespace, name FROM lineage.datasets AS dataset
    JOIN in_moved AS moved ON dataset.id = moved.dataset_id
    UNION
    SELECT namespace, name FROM lineage.symlinks AS link
    JOIN in_moved AS moved USING (dataset_id)
) AS called
JOIN lineage.events AS event
    ON event.kind = 'dataset'
    AND event.body #>> '{dataset,namespace}' = called.namespace
    AND event.body #>> '{dataset,name}' = called.name;

DELETE FROM lineage.run_datasets AS old USING in_moved AS moved
WHERE old.dataset_id = moved.dataset_id;
DELETE FROM lineage.edges AS old USING in_moved AS moved
WHERE old.dataset_id = moved.dataset_id;
DELETE FROM lineage.column_edges AS old USING in_moved AS moved
WHERE old.input_id = moved.dataset_id OR old.output_id = moved.dataset_id;
DELETE FROM lineage.dataset_facets AS old USING in_moved AS moved
WHERE old.dataset_id = moved.dataset_id;
DELETE FROM lineage.dataset_versions AS old USING in_moved AS moved
WHERE old.dataset_id = moved.dataset_id;
DELETE FROM lineage.dataset_tags AS old USING in_moved AS moved
WHERE old.dataset_id = moved.dataset_id AND old.by_facet;
UPDATE lineage.datasets AS old SET
    named = false, source = NULL, created_at = 'infinity', updated_at = '-infinity'
FROM in_moved AS moved
WHERE old.id = moved.dataset_id;

UPDATE lineage.symlinks AS link SET dataset_id = canonical.id
FROM in_canonical AS new
JOIN lineage.datasets AS canonical
    ON (canonical.namespace, canonical.name)
        = (new.canonical_namespace, new.canonical_name)
WHERE (link.namespace, link.name) = (new.namespace, new.name);

-- What people gave a dataset through the API goes with it.
INSERT INTO lineage.dataset_tags (dataset_id, field, tag, tagged_at)
SELECT link.dataset_id, old.field, old.tag, old.tagged_at
FROM in_moved AS moved
JOIN lineage.datasets AS dataset ON dataset.id = moved.dataset_id
JOIN lineage.symlinks AS link
    ON (link.namespace, link.name) = (dataset.namespace, dataset.name)
JOIN lineage.dataset_tags AS old ON old.dataset_id = dataset.id
WHERE link.dataset_id <> dataset.id
ON CONFLICT (dataset_id, field, tag) DO NOTHING;
DELETE FROM lineage.dataset_tags AS old
USING lineage.datasets AS dataset
JOIN in_moved AS moved ON moved.dataset_id = dataset.id
JOIN lineage.symlinks AS link
    ON (link.namespace, link.name) = (dataset.namespace, dataset.name)
WHERE old.dataset_id = dataset.id AND link.dataset_id <> dataset.id;
DELETE FROM lineage.datasets AS dataset
USING lineage.symlinks AS link
WHERE (link.namespace, link.name) = (dataset.namespace, dataset.name)
    AND link.dataset_id <> dataset.id;

-- Makes room for the next names of the same transaction.
DELETE FROM in_canonical;
DELETE FROM in_moved;
