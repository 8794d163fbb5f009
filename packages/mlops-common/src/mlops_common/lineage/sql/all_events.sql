-- The next of all events.
SELECT id, digest, body::text FROM lineage.events WHERE id > %s ORDER BY id LIMIT %s
