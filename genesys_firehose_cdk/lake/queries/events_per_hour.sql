-- Events per type and hour of the last seven days, by the time they speak of, else the time they were received.
SELECT
    event_type,
    substr(coalesce(event_time, received_at), 1, 13) AS hour_utc,
    count(*) AS events
FROM events
WHERE "date" >= CAST(CAST(current_date - INTERVAL '7' DAY AS date) AS varchar)
GROUP BY 1, 2
ORDER BY 2, 1
