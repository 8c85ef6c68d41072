-- Losses that nothing in the recordings explains, and the recording that would.
SELECT captures.path, trails.client, trails.server, trails.broken_link, trails.record_next
FROM trails
JOIN captures ON captures.incident = trails.incident
WHERE trails.outcome = 'lost' AND trails.cause IS NULL
ORDER BY captures.path, trails.trail
