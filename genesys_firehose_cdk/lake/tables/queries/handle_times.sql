-- Handle time per day and medium of the last seven days, in seconds: talk, hold, after-call work, and for outbound
-- conversations dialing and contacting. A conversation counts on the day its last handle was complete.
SELECT
    CAST(handled_at AS date) AS day,
    media_type,
    count(*) AS conversations,
    avg(talk_ms) / 1000e0 AS average_talk_seconds,
    avg(held_ms) / 1000e0 AS average_hold_seconds,
    avg(after_call_ms) / 1000e0 AS average_after_call_seconds,
    avg(handled_ms) / 1000e0 AS average_handle_seconds
FROM conversations
WHERE day >= current_date - INTERVAL '10' DAY
    AND CAST(handled_at AS date) >= current_date - INTERVAL '7' DAY
    AND handled_ms > 0
GROUP BY 1, 2
ORDER BY 1, 2
