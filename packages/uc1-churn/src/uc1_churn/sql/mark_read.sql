SELECT file FROM materialized_tables WHERE dataset = %s AND store = %s
