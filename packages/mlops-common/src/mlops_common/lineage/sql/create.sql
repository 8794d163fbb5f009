-- The embedded lineage store: events as they came, and the graph that they tell.
-- The lock lets processes that start at once create it one after the other.
--
-- Every table but `events` is a function of the set of events: a row holds the least,
-- the greatest or the newest of what they say, so that the order in which they come
-- does not matter. The newest of equal times is that of the event with the greater
-- digest, `told_by`. Rows are written by joins, under one lock: foreign keys are
-- declared only where a write is rare, for each check costs as much as the row.
SELECT pg_advisory_xact_lock(hashtext('lineage'));

CREATE SCHEMA IF NOT EXISTS lineage;

-- Every event, once. What the other tables hold can be rebuilt from it.
CREATE TABLE IF NOT EXISTS lineage.events (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest        uuid        NOT NULL UNIQUE,  -- of `body` with sorted keys
    kind          text        NOT NULL,  -- run, job or dataset
    event_type    text,                  -- START, RUNNING, …; of runs only
    event_time    timestamptz NOT NULL,
    received_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    run_id        uuid,
    job_namespace text,
    job_name      text,
    body          jsonb       NOT NULL
);
CREATE INDEX IF NOT EXISTS events_by_run ON lineage.events (run_id, event_time)
    WHERE run_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS events_by_time ON lineage.events (event_time);
CREATE INDEX IF NOT EXISTS events_by_job ON lineage.events (job_namespace, job_name)
    WHERE job_name IS NOT NULL;
CREATE INDEX IF NOT EXISTS dataset_events ON lineage.events
    ((body #>> '{dataset,namespace}'), (body #>> '{dataset,name}'))
    WHERE kind = 'dataset';

CREATE TABLE IF NOT EXISTS lineage.namespaces (
    name        text        PRIMARY KEY,
    owner       text        NOT NULL DEFAULT 'anonymous',
    description text,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    hidden      boolean     NOT NULL DEFAULT false
);

CREATE TABLE IF NOT EXISTS lineage.sources (
    name           text        PRIMARY KEY,
    type           text        NOT NULL,
    connection_url text,
    description    text,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL
);

CREATE TABLE IF NOT EXISTS lineage.datasets (
    id         integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    namespace  text        NOT NULL,
    name       text        NOT NULL,
    source     text,                  -- of lineage.sources
    named      boolean     NOT NULL,  -- false: only a facet columnLineage mentions it
    created_at timestamptz NOT NULL,  -- of the first event that names it
    updated_at timestamptz NOT NULL,  -- of the last one
    hidden     boolean     NOT NULL DEFAULT false,  -- deleted through the API
    UNIQUE (namespace, name)
);
CREATE INDEX IF NOT EXISTS hidden_datasets ON lineage.datasets (id) WHERE hidden;

-- Other names of a dataset, from the facet `symlinks`: `target` is the dataset that the
-- earliest such facet is of. It may be an alias itself; `dataset_id` is where that ends,
-- and what all other tables know. Names in a circle are aliases of the least of them.
CREATE TABLE IF NOT EXISTS lineage.symlinks (
    namespace        text        NOT NULL,
    name             text        NOT NULL,
    type             text        NOT NULL,  -- such as TABLE
    target_namespace text        NOT NULL,
    target_name      text        NOT NULL,
    at               timestamptz NOT NULL,
    told_by          uuid        NOT NULL,
    dataset_id       integer,  -- of lineage.datasets; set before the commit
    PRIMARY KEY (namespace, name)
);
CREATE INDEX IF NOT EXISTS symlinks_by_target
    ON lineage.symlinks (target_namespace, target_name);
CREATE INDEX IF NOT EXISTS symlinks_by_dataset ON lineage.symlinks (dataset_id);

CREATE TABLE IF NOT EXISTS lineage.jobs (
    id          integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    namespace   text        NOT NULL,
    name        text        NOT NULL,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    hidden      boolean     NOT NULL DEFAULT false,
    designed_run uuid,         -- digest of the newest event without a run, if it
    designed_at  timestamptz,  -- names datasets, and its time
    current_run uuid,         -- whose datasets are the job's: see lineage.edges
    UNIQUE (namespace, name)
);
CREATE INDEX IF NOT EXISTS hidden_jobs ON lineage.jobs (id) WHERE hidden;

-- A run ends once, with the first event that says so; another that says otherwise, later
-- or out of order, is only kept. A run that is only named as a parent is NEW.
CREATE TABLE IF NOT EXISTS lineage.runs (
    id             uuid        PRIMARY KEY,
    job_id         integer     NOT NULL,  -- as its newest event says
    state          text        NOT NULL,  -- NEW, RUNNING, COMPLETED, FAILED, ABORTED
    state_at       timestamptz NOT NULL,  -- ended_at, else started_at, else created_at
    started_at     timestamptz,           -- of its first START or RUNNING
    ended_at       timestamptz,
    nominal_start  timestamptz,           -- the greatest, where events differ
    nominal_end    timestamptz,
    parent_id      uuid,                  -- from the facet `parent`
    names_datasets boolean     NOT NULL,
    created_at     timestamptz NOT NULL,  -- of the first event that names it
    updated_at     timestamptz NOT NULL,  -- of the last one
    told_at        timestamptz NOT NULL,  -- of its newest event; year 1: has none
    told_by        uuid        NOT NULL,
    ended_by       uuid
);
CREATE INDEX IF NOT EXISTS runs_by_job ON lineage.runs (job_id, created_at DESC);
CREATE INDEX IF NOT EXISTS runs_by_parent ON lineage.runs (parent_id)
    WHERE parent_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS runs_by_standing
    ON lineage.runs (job_id, (state = 'COMPLETED'), state_at, id) WHERE names_datasets;

-- What each run read (`r`) and wrote (`w`). The run of an event without one, of a job
-- at design time, is the event's digest, that is not in lineage.runs.
CREATE TABLE IF NOT EXISTS lineage.run_datasets (
    run_id     uuid        NOT NULL,
    job_id     integer     NOT NULL,
    dataset_id integer     NOT NULL,
    direction  "char"      NOT NULL CHECK (direction IN ('r', 'w')),
    at         timestamptz NOT NULL,  -- of the last event of the run that names it
    version    text,                  -- from the newest facet `version`, and its time
    version_at timestamptz,
    PRIMARY KEY (run_id, job_id, dataset_id, direction)
);
CREATE INDEX IF NOT EXISTS run_datasets_by_job ON lineage.run_datasets (job_id, at);
CREATE INDEX IF NOT EXISTS run_datasets_by_dataset
    ON lineage.run_datasets (dataset_id, direction, at);

-- The graph of now: what the current run of each job read and wrote. That is the job's
-- last completed run that names datasets, or its newest design if that is newer; without
-- either, its last run that does.
CREATE TABLE IF NOT EXISTS lineage.edges (
    job_id     integer NOT NULL,
    dataset_id integer NOT NULL,
    direction  "char"  NOT NULL,
    PRIMARY KEY (job_id, dataset_id, direction)
);
CREATE INDEX IF NOT EXISTS edges_by_dataset ON lineage.edges (dataset_id);

-- Which field a field was made from, and by which job: from the facet `columnLineage`.
-- An indirect origin of the whole dataset has the empty output field.
CREATE TABLE IF NOT EXISTS lineage.column_edges (
    job_id       integer     NOT NULL,
    output_id    integer     NOT NULL,
    output_field text        NOT NULL,
    input_id     integer     NOT NULL,
    input_field  text        NOT NULL,
    type         text        NOT NULL DEFAULT '',  -- DIRECT or INDIRECT
    subtype      text        NOT NULL DEFAULT '',
    description  text        NOT NULL DEFAULT '',
    masking      boolean     NOT NULL DEFAULT false,
    run_id       uuid        NOT NULL,  -- the last one that says so
    first_at     timestamptz NOT NULL,
    last_at      timestamptz NOT NULL,
    told_by      uuid        NOT NULL,
    PRIMARY KEY (job_id, output_id, output_field, input_id, input_field, type, subtype)
);
CREATE INDEX IF NOT EXISTS column_edges_by_output
    ON lineage.column_edges (output_id, output_field);
CREATE INDEX IF NOT EXISTS column_edges_by_input
    ON lineage.column_edges (input_id, input_field);

-- The newest facet of each name; older ones are in the events. Facets of an input or an
-- output are its dataset's too. A facet that was deleted is kept, as `deleted`.
CREATE TABLE IF NOT EXISTS lineage.dataset_facets (
    dataset_id integer     NOT NULL,
    name       text        NOT NULL,
    facet      jsonb       NOT NULL,
    at         timestamptz NOT NULL,
    run_id     uuid,
    told_by    uuid        NOT NULL,
    deleted    boolean     NOT NULL DEFAULT false,
    PRIMARY KEY (dataset_id, name)
);
CREATE TABLE IF NOT EXISTS lineage.job_facets (
    job_id  integer     NOT NULL,
    name    text        NOT NULL,
    facet   jsonb       NOT NULL,
    at      timestamptz NOT NULL,
    told_by uuid        NOT NULL,
    deleted boolean     NOT NULL DEFAULT false,
    PRIMARY KEY (job_id, name)
);
CREATE TABLE IF NOT EXISTS lineage.run_facets (
    run_id  uuid        NOT NULL,
    name    text        NOT NULL,
    facet   jsonb       NOT NULL,
    at      timestamptz NOT NULL,
    told_by uuid        NOT NULL,
    PRIMARY KEY (run_id, name)
);

-- What a run made of a dataset: a row for each output of a run, and for each dataset of
-- an event without one.
CREATE TABLE IF NOT EXISTS lineage.dataset_versions (
    id         uuid        PRIMARY KEY,  -- made from the dataset and the run
    dataset_id integer     NOT NULL,
    run_id     uuid,
    facets     jsonb       NOT NULL,     -- of the output in that run, the newest of each
    told       jsonb       NOT NULL,     -- name of a facet to when and by which event
    created_at timestamptz NOT NULL,     -- of the run's last event that names it
    version    text  GENERATED ALWAYS AS (facets #>> '{version,datasetVersion}') STORED,
    fields     jsonb GENERATED ALWAYS AS (facets #> '{schema,fields}') STORED,
    lifecycle  text  GENERATED ALWAYS AS
        (facets #>> '{lifecycleStateChange,lifecycleStateChange}') STORED
);
CREATE INDEX IF NOT EXISTS dataset_versions_by_run
    ON lineage.dataset_versions (run_id) WHERE run_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS dataset_versions_by_dataset
    ON lineage.dataset_versions (dataset_id, created_at DESC);

-- What two sets of facets come to, each with when and by which event it was told; the
-- second counts where one event told both.
CREATE OR REPLACE FUNCTION lineage.newest(a jsonb, a_told jsonb, b jsonb, b_told jsonb)
RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT a || coalesce(jsonb_object_agg(key, value), '{}')
    FROM jsonb_each(b)
    WHERE NOT a_told ? key OR (b_told ->> key) COLLATE "C" >= (a_told ->> key)
$$;

-- Labels that people give through the API, or facets do.
CREATE TABLE IF NOT EXISTS lineage.tags (
    name        text PRIMARY KEY,
    description text
);
CREATE TABLE IF NOT EXISTS lineage.dataset_tags (
    dataset_id integer     NOT NULL,
    field      text        NOT NULL DEFAULT '',  -- empty: the dataset as a whole
    tag        text        NOT NULL REFERENCES lineage.tags,
    tagged_at  timestamptz NOT NULL,
    by_facet   boolean     NOT NULL DEFAULT false,
    PRIMARY KEY (dataset_id, field, tag)
);
CREATE TABLE IF NOT EXISTS lineage.job_tags (
    job_id    integer     NOT NULL,
    tag       text        NOT NULL REFERENCES lineage.tags,
    tagged_at timestamptz NOT NULL,
    by_facet  boolean     NOT NULL DEFAULT false,
    PRIMARY KEY (job_id, tag)
);

-- Each dataset that an event of a run or a job names, by the number under which all
-- tables know it: what the event calls it may be an alias. A row for each naming.
CREATE OR REPLACE VIEW lineage.event_datasets AS
SELECT
    event.digest, event.event_time, event.run_id, event.job_namespace, event.job_name,
    side.direction,
    coalesce(link.dataset_id, dataset.id) AS dataset_id,
    named.place,  -- among the inputs, or among the outputs, from 1
    named.value -> 'facets' AS facets
FROM lineage.events AS event
CROSS JOIN (
    VALUES ('r'::"char", 'inputs'), ('w'::"char", 'outputs')
) AS side (direction, key)
CROSS JOIN LATERAL jsonb_array_elements(
    CASE jsonb_typeof(event.body -> side.key)
        WHEN 'array' THEN event.body -> side.key
        ELSE '[]'
    END
) WITH ORDINALITY AS named (value, place)
LEFT JOIN lineage.symlinks AS link
    ON link.namespace = named.value ->> 'namespace'
    AND link.name = named.value ->> 'name'
LEFT JOIN lineage.datasets AS dataset
    ON dataset.namespace = named.value ->> 'namespace'
    AND dataset.name = named.value ->> 'name';
