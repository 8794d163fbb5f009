-- Rows in all, rows without an entity, rows without a finite instant.
SELECT
    count(*),
    count(*) FILTER (WHERE entity IS NULL),
    count(*) FILTER (WHERE event_timestamp IS NULL OR NOT isfinite(event_timestamp))
FROM keys
