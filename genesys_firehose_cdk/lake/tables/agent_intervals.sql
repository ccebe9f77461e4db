-- What each agent did in each half hour, in milliseconds: presence and routing status as far as they lie within it, and
-- what was handled where it was complete. Occupancy is interacting / (interacting + communicating + idle).
SELECT
    CAST(interval_start AS date) AS day,
    interval_start,
    user_id,
    user_name,
    sum(CASE WHEN kind = 'presence' AND status NOT IN ('OFFLINE') THEN ms ELSE 0 END) AS logged_in_ms,
    sum(CASE WHEN kind = 'presence' AND status IN ('ON_QUEUE', 'ON QUEUE') THEN ms ELSE 0 END) AS on_queue_ms,
    sum(CASE WHEN kind = 'routing' AND status = 'IDLE' THEN ms ELSE 0 END) AS idle_ms,
    sum(CASE WHEN kind = 'routing' AND status = 'INTERACTING' THEN ms ELSE 0 END) AS interacting_ms,
    sum(CASE WHEN kind = 'routing' AND status = 'COMMUNICATING' THEN ms ELSE 0 END) AS communicating_ms,
    sum(CASE WHEN kind = 'routing' AND status = 'NOT_RESPONDING' THEN ms ELSE 0 END) AS not_responding_ms,
    sum(CASE WHEN kind = 'routing' AND status = 'OFF_QUEUE' THEN ms ELSE 0 END) AS off_queue_ms,
    sum(handled) AS handled,
    sum(talk_ms) AS talk_ms,
    sum(held_ms) AS held_ms,
    sum(after_call_ms) AS after_call_ms,
    sum(handled_ms) AS handled_ms
FROM (
    SELECT facts.*, users.name AS user_name
    FROM (
        SELECT
            slot AS interval_start,
            user_id,
            kind,
            status,
            date_diff(
                'millisecond', greatest(started_at, slot), least(ended_at, slot + INTERVAL '30' MINUTE)
            ) AS ms,
            0 AS handled,
            0 AS talk_ms,
            0 AS held_ms,
            0 AS after_call_ms,
            0 AS handled_ms
        FROM agent_status
        CROSS JOIN UNNEST(sequence(date_trunc('hour', started_at), ended_at, INTERVAL '30' MINUTE)) AS slots (slot)
        WHERE ended_at IS NOT NULL AND ended_at > slot AND started_at < slot + INTERVAL '30' MINUTE
        UNION ALL
        SELECT
            date_trunc('hour', handled_at)
                + CASE WHEN minute(handled_at) >= 30 THEN INTERVAL '30' MINUTE ELSE INTERVAL '0' MINUTE END
                AS interval_start,
            user_id,
            'handle' AS kind,
            'handle' AS status,
            0 AS ms,
            1 AS handled,
            talk_ms,
            held_ms,
            after_call_ms,
            handled_ms
        FROM sessions
        WHERE purpose = 'agent' AND handled_ms > 0 AND user_id IS NOT NULL AND handled_at IS NOT NULL
    ) AS facts
    LEFT JOIN dim_users AS users ON users.id = facts.user_id AND users.latest
)
GROUP BY interval_start, user_id, user_name
