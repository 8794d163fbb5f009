INSERT INTO materialized_tables (dataset, store, file) VALUES (%s, %s, %s)
ON CONFLICT (dataset) DO UPDATE SET store = EXCLUDED.store, file = EXCLUDED.file
