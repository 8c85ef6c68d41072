-- With which authorization servers authorization is lost, and how often.
SELECT authorization_server, COUNT(*) AS trails,
       SUM(CASE WHEN outcome = 'lost' THEN 1 ELSE 0 END) AS lost,
       COUNT(DISTINCT client) AS clients,
       COUNT(DISTINCT server) AS servers
FROM trails
GROUP BY authorization_server
ORDER BY lost DESC, trails DESC, authorization_server
