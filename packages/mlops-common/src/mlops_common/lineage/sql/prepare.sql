-- Readies a connection that merges events into the tables of lineage.
SET client_encoding = 'UTF8';  -- rows are sent so, whatever the database holds

-- The plan of a statement is kept: made while a table is small, it must serve one that
-- is large. All joins are of what a batch says with a table, by an index of it.
SET jit = off;
SET enable_seqscan = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;

-- For names that stand for other datasets now: see `move_datasets.sql`. A transaction
-- that touches none of them need not empty them.
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
