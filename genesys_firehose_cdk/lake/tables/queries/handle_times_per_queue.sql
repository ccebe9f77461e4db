-- Handle time per queue and medium of the last seven days with the names of the queues, in seconds. Each agent's part of
-- a conversation counts, when its handle was complete.
SELECT
    queue_id,
    queue_name,
    media_type,
    sum(handled) AS handled,
    sum(talk_ms) / 1000e0 / nullif(sum(handled), 0) AS average_talk_seconds,
    sum(held_ms) / 1000e0 / nullif(sum(handled), 0) AS average_hold_seconds,
    sum(after_call_ms) / 1000e0 / nullif(sum(handled), 0) AS average_after_call_seconds,
    sum(handled_ms) / 1000e0 / nullif(sum(handled), 0) AS average_handle_seconds
FROM queue_intervals
WHERE day >= current_date - INTERVAL '7' DAY
GROUP BY 1, 2, 3
HAVING sum(handled) > 0
ORDER BY 2, 1, 3
