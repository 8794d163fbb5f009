SELECT request_id, entity
FROM serving.predictions
ORDER BY predicted_at DESC
LIMIT %(limit)s
