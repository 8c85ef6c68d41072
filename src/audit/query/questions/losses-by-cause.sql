-- What loses authorization, how often, and since when.
SELECT cause, cause_link AS link, cause_party AS party, COUNT(*) AS lost,
       COUNT(DISTINCT client) AS clients, COUNT(DISTINCT server) AS servers,
       MIN(first_at) AS since, MAX(first_at) AS last
FROM trails
WHERE outcome = 'lost' AND cause IS NOT NULL
GROUP BY cause, cause_link, cause_party
ORDER BY lost DESC, cause, party
