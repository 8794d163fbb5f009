SELECT json_build_object('runs', json_agg(
    json_build_object(
        'job', json_build_object(
            'namespace', j.namespace, 'name', j.name,
            'version', pg_temp.job_version(r.id, j.id)
        ),
        'run', json_build_object(
            'id', r.id,
            'start', pg_temp.instant(r.started_at),
            'end', pg_temp.instant(r.ended_at),
            'status', r.state
        ),
        'inputs', coalesce((
            SELECT json_agg(
                json_build_object(
                    'namespace', d.namespace, 'name', d.name,
                    'version', v.version, 'producedByRunId', v.run_id
                )
                ORDER BY d.namespace, d.name
            )
            FROM pg_temp.versions_read AS v
            JOIN lineage.datasets AS d ON d.id = v.dataset_id
            WHERE v.reader = r.id
        ), '[]')
    )
    ORDER BY chosen.n
))
FROM unnest(%(runs)s::uuid[]) WITH ORDINALITY AS chosen (id, n)
JOIN lineage.runs AS r ON r.id = chosen.id
JOIN lineage.jobs AS j ON j.id = r.job_id;
