-- Which client loses authorization at which server, by what, and how often.
SELECT client, client_version, server, cause, COUNT(*) AS lost
FROM trails
WHERE outcome = 'lost'
GROUP BY client, client_version, server, cause
ORDER BY lost DESC, client, client_version, server, cause
