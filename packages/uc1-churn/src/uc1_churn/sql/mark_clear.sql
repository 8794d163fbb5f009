DELETE FROM materialized_tables WHERE dataset = %s
