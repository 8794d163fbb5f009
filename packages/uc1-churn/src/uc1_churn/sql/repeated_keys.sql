-- A few keys that occur more than once, each with its rows and the number of such keys.
SELECT entity, event_timestamp, count(*) AS n, count(*) OVER () AS repeated
FROM keys
GROUP BY entity, event_timestamp
HAVING count(*) > 1
ORDER BY n DESC, entity, event_timestamp
LIMIT 5
