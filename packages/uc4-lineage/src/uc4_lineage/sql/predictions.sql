-- The rows of one request, or the last one about an entity.
SELECT
    request_id, entity, predicted_at, service, model, model_version,
    features, probability
FROM serving.predictions
WHERE
    (%(request)s::text IS NULL OR request_id = %(request)s)
    AND (%(entity)s::text IS NULL OR entity = %(entity)s)
ORDER BY
    CASE WHEN %(request)s::text IS NULL THEN predicted_at END DESC,
    predicted_at, writer, sequence
LIMIT %(limit)s
