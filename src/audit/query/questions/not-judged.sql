-- Recordings that could not be judged, or not whole, and why.
SELECT path, format, usable, complete, trails, problems, problem
FROM captures
WHERE NOT usable OR NOT complete OR problems > 0
ORDER BY usable, path
