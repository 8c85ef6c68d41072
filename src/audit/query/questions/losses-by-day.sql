-- How many trails there were each day (UTC), and how many of them lost authorization.
SELECT CAST(first_at AS DATE) AS day, COUNT(*) AS trails,
       SUM(CASE WHEN outcome = 'lost' THEN 1 ELSE 0 END) AS lost
FROM trails
GROUP BY CAST(first_at AS DATE)
ORDER BY day
