-- Occupancy of each agent per day of the last seven days: the share of interacting in interacting, communicating and idle
-- time. A routing status counts once it has ended.
SELECT
    day,
    user_id,
    user_name,
    sum(interacting_ms) / 1000 AS interacting_seconds,
    sum(interacting_ms + communicating_ms + idle_ms) / 1000 AS on_queue_seconds,
    sum(interacting_ms) * 1e0 / sum(interacting_ms + communicating_ms + idle_ms) AS occupancy
FROM agent_intervals
WHERE day >= current_date - INTERVAL '7' DAY
GROUP BY 1, 2, 3
HAVING sum(interacting_ms + communicating_ms + idle_ms) > 0
ORDER BY 1, 2
