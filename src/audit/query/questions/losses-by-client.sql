-- Which clients lose authorization, and how often.
SELECT client, client_version, COUNT(*) AS trails,
       SUM(CASE WHEN outcome = 'lost' THEN 1 ELSE 0 END) AS lost,
       COUNT(DISTINCT server) AS servers,
       COUNT(DISTINCT cause) AS causes
FROM trails
GROUP BY client, client_version
ORDER BY lost DESC, trails DESC, client, client_version
