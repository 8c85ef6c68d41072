-- At which link of the chain authorization is lost, who must change, and how often.
SELECT COALESCE(cause_link, broken_link) AS link, cause_party AS party, COUNT(*) AS lost,
       COUNT(DISTINCT client) AS clients, COUNT(DISTINCT server) AS servers
FROM trails
WHERE outcome = 'lost'
GROUP BY COALESCE(cause_link, broken_link), cause_party
ORDER BY lost DESC, link, party
