-- Intervals of an agent's presence and routing status. One ends where the next begins, if that is within three days.
SELECT
    CAST(started_at AS date) AS day,
    user_id,
    kind,
    started_at,
    CASE WHEN date_diff('second', started_at, next_at) <= 3 * 86400 THEN next_at END AS ended_at,
    status,
    presence_definition_id,
    CASE
        WHEN date_diff('second', started_at, next_at) <= 3 * 86400 THEN date_diff('millisecond', started_at, next_at)
    END AS duration_ms
FROM (
    SELECT *, lead(started_at) OVER (PARTITION BY user_id, kind ORDER BY started_at) AS next_at
    FROM (
        -- A status is reported again and again; of several at one moment the last report counts.
        SELECT
            *,
            row_number() OVER (
                PARTITION BY user_id, kind, started_at ORDER BY event_time DESC NULLS LAST, dedup_key
            ) AS place
        FROM (
            SELECT
                day AS event_day,
                event_time,
                dedup_key,
                user_id,
                'presence' AS kind,
                presence_at AS started_at,
                presence AS status,
                presence_definition_id
            FROM events
            WHERE day BETWEEN DATE '{first_day}' - INTERVAL '6' DAY AND DATE '{last_day}' + INTERVAL '6' DAY
                AND (topic LIKE 'v2.users.%.presence' OR topic LIKE 'v2.users.%.activity')
                AND presence IS NOT NULL
            UNION ALL
            SELECT
                day AS event_day,
                event_time,
                dedup_key,
                user_id,
                'routing' AS kind,
                routing_status_at AS started_at,
                routing_status AS status,
                CAST(NULL AS varchar) AS presence_definition_id
            FROM events
            WHERE day BETWEEN DATE '{first_day}' - INTERVAL '6' DAY AND DATE '{last_day}' + INTERVAL '6' DAY
                AND (topic LIKE 'v2.users.%.routingStatus' OR topic LIKE 'v2.users.%.activity')
                AND routing_status IS NOT NULL
        )
        WHERE user_id IS NOT NULL AND date_diff('day', CAST(started_at AS date), event_day) BETWEEN 0 AND 3
    )
    WHERE place = 1
)
WHERE CAST(started_at AS date)
    BETWEEN DATE '{first_day}' - INTERVAL '6' DAY AND DATE '{last_day}'
