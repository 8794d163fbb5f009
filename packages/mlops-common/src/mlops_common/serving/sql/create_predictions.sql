-- Every prediction that a service answered, written by its model server.
-- The lock lets servers that start at once create the table one after the other.
SELECT pg_advisory_xact_lock(hashtext('serving.predictions'));

CREATE SCHEMA IF NOT EXISTS serving;

CREATE TABLE IF NOT EXISTS serving.predictions (
    writer        uuid             NOT NULL,  -- one run of one model server
    sequence      bigint           NOT NULL,  -- counts the rows of that run from 0
    predicted_at  timestamptz      NOT NULL,
    service       text             NOT NULL,
    model         text             NOT NULL,
    model_version integer          NOT NULL,
    request_id    text             NOT NULL,
    entity        text,                       -- whom the row is about, if told
    features      jsonb            NOT NULL,  -- column to value; null is missing
    probability   double precision NOT NULL,
    PRIMARY KEY (writer, sequence)
);

-- Drift: the rows of a service in a window of time.
CREATE INDEX IF NOT EXISTS predictions_by_time
    ON serving.predictions (service, predicted_at);

-- Experiments and parity: what a service said about one entity.
CREATE INDEX IF NOT EXISTS predictions_by_entity
    ON serving.predictions (service, entity, predicted_at)
    WHERE entity IS NOT NULL;

-- Lineage: the rows of one request.
CREATE INDEX IF NOT EXISTS predictions_by_request
    ON serving.predictions (request_id);
