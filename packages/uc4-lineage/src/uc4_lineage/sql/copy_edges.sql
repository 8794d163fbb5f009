COPY lineage.edges (job_id, dataset_id, direction) TO STDOUT (FORMAT binary)
