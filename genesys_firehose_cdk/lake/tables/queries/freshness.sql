-- How long ago the newest event of each type in the tables was received, and how late events of two days came, in seconds.
SELECT
    event_type,
    max(received_at) AS newest_received_at,
    date_diff('second', max(received_at), CAST(current_timestamp AT TIME ZONE 'UTC' AS timestamp(6)))
        AS seconds_since_newest,
    approx_percentile(date_diff('second', event_time, received_at), 0.95) AS late_by_seconds_p95
FROM events
WHERE day >= current_date - INTERVAL '2' DAY
GROUP BY 1
ORDER BY 3 DESC
