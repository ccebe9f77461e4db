-- Wrap-up codes and dispositions per day of the last seven days, each session once, the most frequent first.
SELECT
    day,
    code,
    code_name,
    count(*) AS wrap_ups
FROM wrap_ups
WHERE day >= current_date - INTERVAL '7' DAY
GROUP BY 1, 2, 3
ORDER BY 1, 4 DESC, 2
