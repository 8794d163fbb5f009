-- The most frequent texts of the label with their rows, and the number of texts.
SELECT value, count(*) AS n, count(*) OVER () AS texts
FROM labels
GROUP BY value
ORDER BY n DESC, value
LIMIT 20
