-- The next events to tell again because names stand for other datasets now.
SELECT event.id, event.digest, event.body::text
FROM in_replayed AS noted
JOIN lineage.events AS event USING (id)
WHERE noted.id > %s
ORDER BY noted.id
LIMIT %s
