-- At which MCP servers authorization is lost, and how often.
SELECT server, COUNT(*) AS trails,
       SUM(CASE WHEN outcome = 'lost' THEN 1 ELSE 0 END) AS lost,
       COUNT(DISTINCT client) AS clients,
       COUNT(DISTINCT cause) AS causes
FROM trails
GROUP BY server
ORDER BY lost DESC, trails DESC, server
