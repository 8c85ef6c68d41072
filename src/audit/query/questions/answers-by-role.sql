-- How the steps of OAuth and MCP were answered, and how long that took in milliseconds.
SELECT role, status, COUNT(*) AS steps, ROUND(AVG(took) / 1000.0, 1) AS mean_ms, ROUND(MAX(took) / 1000.0, 1) AS longest_ms
FROM exchanges
WHERE role IS NOT NULL
GROUP BY role, status
ORDER BY role, status
