-- Texts that are neither blank nor numbers, each with its rows; then rows and texts in all.
SELECT value, count(*) AS n, sum(count(*)) OVER ()::BIGINT, count(*) OVER ()
FROM texts
WHERE trim(value, E' \t\r\n') <> '' AND TRY_CAST(value AS DOUBLE) IS NULL
GROUP BY value
ORDER BY n DESC, value
LIMIT 5
