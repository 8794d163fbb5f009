-- Names that are connected with some, and what each is claimed to be.
WITH RECURSIVE connected (namespace, name) AS (
    SELECT namespace, name
    FROM json_to_recordset(%s) AS claimed (namespace text, name text)
    UNION
    SELECT next.namespace, next.name
    FROM connected
    CROSS JOIN LATERAL (
        SELECT target_namespace AS namespace, target_name AS name
        FROM lineage.symlinks AS link
        WHERE (link.namespace, link.name) = (connected.namespace, connected.name)
        UNION ALL
        SELECT link.namespace, link.name
        FROM lineage.symlinks AS link
        WHERE (link.target_namespace, link.target_name)
            = (connected.namespace, connected.name)
    ) AS next
)
SELECT connected.namespace, connected.name, link.target_namespace, link.target_name
FROM connected
LEFT JOIN lineage.symlinks AS link
    ON (link.namespace, link.name) = (connected.namespace, connected.name)
