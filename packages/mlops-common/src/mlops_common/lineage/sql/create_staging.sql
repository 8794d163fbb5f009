-- Rows are sent so, whatever the database holds.
SET client_encoding = 'UTF8';

-- What a batch of events says, on its way into the tables of lineage. Jobs and datasets
-- are numbered within the batch until `merge_names.sql` gives them their `id`.
CREATE TEMPORARY TABLE IF NOT EXISTS in_jobs (
    number       integer,
    namespace    text,
    name         text,
    first_at     timestamptz,
    last_at      timestamptz,
    designed_at  timestamptz,
    designed_run uuid,
    id           integer
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS in_datasets (
    number    integer,
    namespace text,
    name      text,
    named     boolean,
    first_at  timestamptz,
    last_at   timestamptz,
    id        integer
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS in_sources (
    name     text,
    type     text,
    url      text,
    first_at timestamptz,
    last_at  timestamptz
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS in_runs (
    id             uuid,
    job            integer,
    told_at        timestamptz,
    told_by        uuid,
    started_at     timestamptz,
    ended_at       timestamptz,
    ended_by       uuid,
    ended_as       text,
    nominal_start  timestamptz,
    nominal_end    timestamptz,
    parent_id      uuid,
    names_datasets boolean,
    first_at       timestamptz,
    last_at        timestamptz
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS in_run_datasets (
    run_id     uuid,
    job        integer,
    dataset    integer,
    direction  "char",
    at         timestamptz,
    version_at timestamptz,
    version    text
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS in_column_edges (
    job          integer,
    output       integer,
    output_field text,
    input        integer,
    input_field  text,
    type         text,
    subtype      text,
    description  text,
    masking      boolean,
    run_id       uuid,
    first_at     timestamptz,
    last_at      timestamptz,
    told_by      uuid
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS in_dataset_facets (
    dataset integer,
    name    text,
    at      timestamptz,
    told_by uuid,
    run_id  uuid,
    deleted boolean,
    facet   jsonb
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS in_job_facets (
    job     integer,
    name    text,
    at      timestamptz,
    told_by uuid,
    deleted boolean,
    facet   jsonb
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS in_run_facets (
    run_id  uuid,
    name    text,
    at      timestamptz,
    told_by uuid,
    facet   jsonb
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS in_dataset_versions (
    id      uuid,
    dataset integer,
    run_id  uuid,
    at      timestamptz,
    facets  jsonb,
    told    jsonb
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS in_dataset_tags (
    dataset   integer,
    field     text,
    tag       text,
    tagged_at timestamptz
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS in_job_tags (
    job       integer,
    tag       text,
    tagged_at timestamptz
) ON COMMIT DELETE ROWS;
-- Jobs whose current run may have changed.
CREATE TEMPORARY TABLE IF NOT EXISTS in_touched (
    job_id integer
) ON COMMIT DELETE ROWS;
-- What a facet `symlinks` says, and what follows from it: the events to tell again.
CREATE TEMPORARY TABLE IF NOT EXISTS in_symlinks (
    namespace        text,
    name             text,
    at               timestamptz,
    told_by          uuid,
    target_namespace text,
    target_name      text,
    type             text
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS in_canonical (
    namespace           text,
    name                text,
    canonical_namespace text,
    canonical_name      text
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS in_moved (
    dataset_id integer
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS in_replayed (
    id bigint PRIMARY KEY
) ON COMMIT DELETE ROWS;
