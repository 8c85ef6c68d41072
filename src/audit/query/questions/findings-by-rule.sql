-- Which duties are broken, in how many trails.
SELECT rule, link, party, level, COUNT(*) AS trails, SUM(occurrences) AS steps,
       SUM(CASE WHEN is_cause THEN 1 ELSE 0 END) AS causes
FROM findings
GROUP BY rule, link, party, level
ORDER BY causes DESC, trails DESC, rule, party, level
