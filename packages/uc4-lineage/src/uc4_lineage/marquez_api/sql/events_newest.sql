WITH chosen AS (
    SELECT id, event_time
    FROM lineage.events
    WHERE (%(before)s::timestamptz IS NULL OR event_time < %(before)s)
        AND (%(after)s::timestamptz IS NULL OR event_time >= %(after)s)
)
SELECT json_build_object(
    'events', coalesce(json_agg(e.body ORDER BY e.event_time DESC, e.id DESC), '[]'),
    'totalCount', (SELECT count(*) FROM chosen)
)
FROM (
    SELECT id FROM chosen
    ORDER BY event_time DESC, id DESC LIMIT %(limit)s OFFSET %(offset)s
) AS page
JOIN lineage.events AS e ON e.id = page.id;
