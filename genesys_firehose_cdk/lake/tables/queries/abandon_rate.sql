-- Share of the offered conversations that were abandoned, per day, queue and medium of the last seven days.
SELECT
    day,
    queue_id,
    queue_name,
    media_type,
    sum(offered) AS offered,
    sum(abandoned) AS abandoned,
    sum(abandoned) * 1e0 / nullif(sum(offered), 0) AS abandon_rate
FROM queue_intervals
WHERE day >= current_date - INTERVAL '7' DAY
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 4
