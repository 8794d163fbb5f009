-- The latest row of each entity, in the order of its draw.
SELECT *
FROM features
QUALIFY row_number() OVER (PARTITION BY entity ORDER BY event_timestamp DESC) = 1
ORDER BY draw, entity
