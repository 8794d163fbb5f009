-- The latest row of each customer, but of those whose outcome is known to be churn.
WITH latest AS (
    SELECT *
    FROM features
    QUALIFY row_number() OVER (PARTITION BY entity ORDER BY event_timestamp DESC) = 1
)
SELECT latest.*
FROM latest
ANTI JOIN outcomes
    ON outcomes.entity = latest.entity
    AND outcomes.event_timestamp = latest.event_timestamp
    AND outcomes.label = 1
ORDER BY latest.entity
