-- The embedded lineage store: events as they came, and the graph that they tell.
-- The lock lets processes that start at once create it one after the other.
SELECT pg_advisory_xact_lock(hashtext('lineage'));

CREATE SCHEMA IF NOT EXISTS lineage;

-- Every event, once. What the other tables hold can be rebuilt from it.
CREATE TABLE IF NOT EXISTS lineage.events (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest        uuid        NOT NULL UNIQUE,  -- of the canonical JSON
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
    created_at timestamptz NOT NULL,  -- of the first event that names it
    updated_at timestamptz NOT NULL,  -- of the last one
    hidden     boolean     NOT NULL DEFAULT false,  -- deleted through the API
    UNIQUE (namespace, name)
);

-- Other names of a dataset, from its facet `symlinks`.
CREATE TABLE IF NOT EXISTS lineage.symlinks (
    namespace  text    NOT NULL,
    name       text    NOT NULL,
    dataset_id integer NOT NULL REFERENCES lineage.datasets,
    PRIMARY KEY (namespace, name)
);

CREATE TABLE IF NOT EXISTS lineage.jobs (
    id          integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    namespace   text        NOT NULL,
    name        text        NOT NULL,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    hidden      boolean     NOT NULL DEFAULT false,
    current_run uuid,         -- whose datasets are the job's: see lineage.edges
    UNIQUE (namespace, name)
);

-- A run ends once; an event that says otherwise, later or out of order, is only kept.
CREATE TABLE IF NOT EXISTS lineage.runs (
    id            uuid        PRIMARY KEY,
    job_id        integer     NOT NULL REFERENCES lineage.jobs,
    state         text        NOT NULL,  -- NEW, RUNNING, COMPLETED, FAILED, ABORTED
    state_at      timestamptz NOT NULL,
    started_at    timestamptz,
    ended_at      timestamptz,
    nominal_start timestamptz,
    nominal_end   timestamptz,
    parent_id     uuid,                  -- from the facet `parent`
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS runs_by_job ON lineage.runs (job_id, created_at DESC);
CREATE INDEX IF NOT EXISTS runs_by_parent ON lineage.runs (parent_id)
    WHERE parent_id IS NOT NULL;

-- What each run read (`r`) and wrote (`w`). The run of an event without one, of a job
-- at design time, is a number made from the job, that is in no other table.
CREATE TABLE IF NOT EXISTS lineage.run_datasets (
    run_id     uuid        NOT NULL,
    job_id     integer     NOT NULL REFERENCES lineage.jobs,
    dataset_id integer     NOT NULL REFERENCES lineage.datasets,
    direction  "char"      NOT NULL CHECK (direction IN ('r', 'w')),
    at         timestamptz NOT NULL,  -- of the last event of the run that names it
    version    text,                  -- from the facet `version`
    PRIMARY KEY (run_id, dataset_id, direction)
);
CREATE INDEX IF NOT EXISTS run_datasets_by_job ON lineage.run_datasets (job_id, at);
CREATE INDEX IF NOT EXISTS run_datasets_by_dataset
    ON lineage.run_datasets (dataset_id, direction, at);

-- The graph of now: what the current run of each job read and wrote. That is the job's
-- last completed run that names datasets; without one, its last run that does.
CREATE TABLE IF NOT EXISTS lineage.edges (
    job_id     integer NOT NULL REFERENCES lineage.jobs,
    dataset_id integer NOT NULL REFERENCES lineage.datasets,
    direction  "char"  NOT NULL,
    PRIMARY KEY (job_id, dataset_id, direction)
);
CREATE INDEX IF NOT EXISTS edges_by_dataset ON lineage.edges (dataset_id);

-- Which field a field was made from, and by which job: from the facet `columnLineage`.
-- An indirect origin of the whole dataset has the empty output field.
CREATE TABLE IF NOT EXISTS lineage.column_edges (
    job_id       integer     NOT NULL REFERENCES lineage.jobs,
    output_id    integer     NOT NULL REFERENCES lineage.datasets,
    output_field text        NOT NULL,
    input_id     integer     NOT NULL REFERENCES lineage.datasets,
    input_field  text        NOT NULL,
    type         text        NOT NULL DEFAULT '',  -- DIRECT or INDIRECT
    subtype      text        NOT NULL DEFAULT '',
    description  text        NOT NULL DEFAULT '',
    masking      boolean     NOT NULL DEFAULT false,
    run_id       uuid        NOT NULL,  -- the last one that says so
    first_at     timestamptz NOT NULL,
    last_at      timestamptz NOT NULL,
    PRIMARY KEY (job_id, output_id, output_field, input_id, input_field, type, subtype)
);
CREATE INDEX IF NOT EXISTS column_edges_by_output
    ON lineage.column_edges (output_id, output_field);
CREATE INDEX IF NOT EXISTS column_edges_by_input
    ON lineage.column_edges (input_id, input_field);

-- The newest facet of each name; older ones are in the events.
CREATE TABLE IF NOT EXISTS lineage.dataset_facets (
    dataset_id integer     NOT NULL REFERENCES lineage.datasets,
    name       text        NOT NULL,
    facet      jsonb       NOT NULL,
    at         timestamptz NOT NULL,
    run_id     uuid,
    PRIMARY KEY (dataset_id, name)
);
CREATE TABLE IF NOT EXISTS lineage.job_facets (
    job_id integer     NOT NULL REFERENCES lineage.jobs,
    name   text        NOT NULL,
    facet  jsonb       NOT NULL,
    at     timestamptz NOT NULL,
    PRIMARY KEY (job_id, name)
);
CREATE TABLE IF NOT EXISTS lineage.run_facets (
    run_id uuid        NOT NULL,
    name   text        NOT NULL,
    facet  jsonb       NOT NULL,
    at     timestamptz NOT NULL,
    PRIMARY KEY (run_id, name)
);

-- What a run made of a dataset: a row for each output of a run, and each dataset event.
CREATE TABLE IF NOT EXISTS lineage.dataset_versions (
    id         uuid        PRIMARY KEY,  -- made from the dataset and the run
    dataset_id integer     NOT NULL REFERENCES lineage.datasets,
    run_id     uuid,
    version    text,                     -- from the facet `version`
    fields     jsonb,                    -- from the facet `schema`
    facets     jsonb       NOT NULL,     -- of the output in that run
    lifecycle  text,                     -- from the facet `lifecycleStateChange`
    created_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS dataset_versions_by_dataset
    ON lineage.dataset_versions (dataset_id, created_at DESC);

-- Labels that people give through the API, or facets do.
CREATE TABLE IF NOT EXISTS lineage.tags (
    name        text PRIMARY KEY,
    description text
);
CREATE TABLE IF NOT EXISTS lineage.dataset_tags (
    dataset_id integer     NOT NULL REFERENCES lineage.datasets,
    field      text        NOT NULL DEFAULT '',  -- empty: the dataset as a whole
    tag        text        NOT NULL REFERENCES lineage.tags,
    tagged_at  timestamptz NOT NULL,
    PRIMARY KEY (dataset_id, field, tag)
);
CREATE TABLE IF NOT EXISTS lineage.job_tags (
    job_id    integer     NOT NULL REFERENCES lineage.jobs,
    tag       text        NOT NULL REFERENCES lineage.tags,
    tagged_at timestamptz NOT NULL,
    PRIMARY KEY (job_id, tag)
);
