-- Wrap-up codes and dispositions per day of the last seven days, the most frequent first. Only events of the type
-- disposition count, and of those of one session the newest: an acw event repeats the code of its wrapup event.
SELECT
    "date",
    code,
    count(*) AS wrap_ups
FROM (
    SELECT
        "date",
        code,
        row_number() OVER (PARTITION BY coalesce(session, dedup_key) ORDER BY event_time DESC, dedup_key) AS place
    FROM (
        SELECT
            "date",
            dedup_key,
            event_time,
            coalesce(
                json_extract_scalar(event, '$.eventBody.wrapupCode'),
                json_extract_scalar(event, '$.dispositionCode')
            ) AS code,
            json_extract_scalar(event, '$.eventBody.conversationId') || ' '
                || coalesce(
                    json_extract_scalar(event, '$.eventBody.sessionId'),
                    json_extract_scalar(event, '$.eventBody.participantId')
                ) AS session
        FROM events
        WHERE "date" >= CAST(CAST(current_date - INTERVAL '7' DAY AS date) AS varchar)
            AND event_type = 'disposition'
    )
    WHERE code IS NOT NULL
)
WHERE place = 1
GROUP BY 1, 2
ORDER BY 1, 3 DESC, 2
