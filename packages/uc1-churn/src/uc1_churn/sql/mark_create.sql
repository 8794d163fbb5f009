CREATE TABLE IF NOT EXISTS materialized_tables (
    dataset text PRIMARY KEY,
    store text NOT NULL,
    file text NOT NULL
)
