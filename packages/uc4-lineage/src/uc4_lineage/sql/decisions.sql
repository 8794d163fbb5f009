-- What was noted of a version of a model by runs, under a name: the last before a time
-- if one is given, else the last of all.
SELECT noted.facet, noted.at, noted.run_id
FROM lineage.run_facets AS noted
WHERE
    noted.name = %(name)s
    AND noted.facet ->> 'model' = %(model)s
    AND noted.facet ->> 'version' = %(version)s
ORDER BY
    coalesce(noted.at <= %(at)s::timestamptz, true) DESC,
    noted.at DESC
LIMIT 1
