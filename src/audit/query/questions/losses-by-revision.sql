-- Under which revision of the protocol authorization is lost, and how often; null where it is not decided.
SELECT revision, COUNT(*) AS trails,
       SUM(CASE WHEN outcome = 'lost' THEN 1 ELSE 0 END) AS lost
FROM trails
GROUP BY revision
ORDER BY lost DESC, revision
