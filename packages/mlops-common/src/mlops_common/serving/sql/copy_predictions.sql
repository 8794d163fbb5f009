COPY serving.predictions (
    writer, sequence, predicted_at, service, model, model_version,
    request_id, entity, features, probability
) FROM STDIN
