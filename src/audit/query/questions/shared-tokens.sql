-- Access tokens that more than one trail carries; the fingerprints are those of this audit.
SELECT fingerprint, length, COUNT(DISTINCT trail) AS trails, COUNT(DISTINCT incident) AS incidents,
       SUM(uses) AS uses, SUM(refusals) AS refusals
FROM values
WHERE kind = 'access_token'
GROUP BY fingerprint, length
HAVING COUNT(DISTINCT trail) > 1
ORDER BY trails DESC, fingerprint
