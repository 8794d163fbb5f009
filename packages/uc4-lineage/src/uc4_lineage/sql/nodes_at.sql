-- Keys of the datasets and jobs that were known at a time; of all of them without one.
SELECT id
FROM lineage.datasets
WHERE named AND NOT hidden AND coalesce(created_at <= %(at)s, true)
UNION ALL
SELECT -id
FROM lineage.jobs
WHERE NOT hidden AND coalesce(created_at <= %(at)s, true)
