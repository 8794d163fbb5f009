SELECT
    entities.customer_id,
    entities.event_timestamp,
    profile.* EXCLUDE (customer_id, event_timestamp),
    behaviour.* EXCLUDE (customer_id, event_timestamp),
    entities.label
FROM entities
ASOF LEFT JOIN profile
    ON entities.customer_id = profile.customer_id
    AND entities.event_timestamp >= profile.event_timestamp
ASOF LEFT JOIN behaviour
    ON entities.customer_id = behaviour.customer_id
    AND entities.event_timestamp >= behaviour.event_timestamp
