-- What became of the values that carry authorization state: who made them is known, never used, used and refused.
SELECT kind, COUNT(*) AS total,
       SUM(CASE WHEN minted_recording IS NOT NULL THEN 1 ELSE 0 END) AS minted,
       SUM(CASE WHEN uses = 0 THEN 1 ELSE 0 END) AS never_used,
       SUM(CASE WHEN refusals > 0 THEN 1 ELSE 0 END) AS refused
FROM values
GROUP BY kind
ORDER BY total DESC, kind
