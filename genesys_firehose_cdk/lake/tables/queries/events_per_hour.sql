-- Events per type and hour of the last seven days, by the time they speak of, else the time they were received.
SELECT
    event_type,
    date_trunc('hour', coalesce(event_time, received_at)) AS hour_utc,
    count(*) AS events
FROM events
WHERE day >= current_date - INTERVAL '7' DAY
GROUP BY 1, 2
ORDER BY 2, 1
