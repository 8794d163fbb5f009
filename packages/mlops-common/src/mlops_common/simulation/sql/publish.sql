-- Indexes come before the swap, so that readers of the old table wait for the swap only.
ALTER TABLE {draft} ADD CONSTRAINT {draft_key} PRIMARY KEY (customer_id, observed_at);
CREATE INDEX {draft_index} ON {draft} (observed_at);
DROP TABLE IF EXISTS {table};
ALTER TABLE {draft} RENAME TO {name};
ALTER TABLE {table} RENAME CONSTRAINT {draft_key} TO {key};
ALTER INDEX {qualified_draft_index} RENAME TO {index};
COMMENT ON TABLE {table} IS {description};
ANALYZE {table}
