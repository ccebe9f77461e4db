-- How long ago the newest event of each type was received, and how late events of the last two days came, in seconds.
SELECT
    event_type,
    max(received_at) AS newest_received_at,
    date_diff('second', max(TRY(from_iso8601_timestamp(received_at))), current_timestamp) AS seconds_since_newest,
    approx_percentile(
        date_diff('second', TRY(from_iso8601_timestamp(event_time)), TRY(from_iso8601_timestamp(received_at))), 0.95
    ) AS late_by_seconds_p95
FROM events
WHERE "date" >= CAST(CAST(current_date - INTERVAL '2' DAY AS date) AS varchar)
GROUP BY 1
ORDER BY 3 DESC
