-- Keys of the datasets and jobs that were known at a time.
SELECT id FROM lineage.datasets WHERE NOT hidden AND created_at <= %(at)s
UNION ALL
SELECT -id FROM lineage.jobs WHERE NOT hidden AND created_at <= %(at)s
