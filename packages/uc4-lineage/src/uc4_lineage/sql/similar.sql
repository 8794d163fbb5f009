-- Names to compare with one that is unknown: those about as long as it.
WITH names AS (
    SELECT name FROM lineage.datasets WHERE named AND NOT hidden AND %(datasets)s
    UNION
    SELECT name FROM lineage.jobs WHERE NOT hidden AND %(jobs)s
)
SELECT name
FROM names
ORDER BY abs(length(name) - length(%(text)s)), name
LIMIT %(limit)s
