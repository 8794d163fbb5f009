WITH datasets AS (
    UPDATE lineage.datasets SET hidden = true WHERE namespace = %(namespace)s
), jobs AS (
    UPDATE lineage.jobs SET hidden = true WHERE namespace = %(namespace)s
)
UPDATE lineage.namespaces SET hidden = true WHERE name = %(namespace)s
RETURNING name;
