SELECT id FROM lineage.datasets WHERE hidden
UNION ALL
SELECT -id FROM lineage.jobs WHERE hidden
