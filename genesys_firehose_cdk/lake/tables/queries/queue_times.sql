-- Time in queue per day, queue and outcome of the last seven days, in seconds. A wait counts on the day it ended.
SELECT
    CAST(sessions.ended_at AS date) AS day,
    sessions.queue_id,
    queues.name AS queue_name,
    sessions.media_type,
    sessions.acd_outcome AS outcome,
    count(*) AS waits,
    avg(sessions.waited_ms) / 1000e0 AS average_seconds,
    max(sessions.waited_ms) / 1000e0 AS longest_seconds
FROM sessions
LEFT JOIN dim_queues AS queues ON queues.id = sessions.queue_id AND queues.latest
WHERE sessions.day >= current_date - INTERVAL '10' DAY
    AND CAST(sessions.ended_at AS date) >= current_date - INTERVAL '7' DAY
    AND sessions.purpose = 'acd'
GROUP BY 1, 2, 3, 4, 5
ORDER BY 1, 2, 4, 5
