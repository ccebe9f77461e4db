-- Handle time per day and media of the last seven days, in seconds: with an agent (user.end) and after the call (acw).
SELECT
    "date",
    media_type,
    count(*) AS conversations,
    avg(talk_ms) / 1000 AS average_talk_seconds,
    avg(after_call_ms) / 1000 AS average_after_call_seconds,
    avg(talk_ms + after_call_ms) / 1000 AS average_handle_seconds
FROM (
    SELECT
        min("date") AS "date",
        json_extract_scalar(event, '$.eventBody.conversationId') AS conversation_id,
        json_extract_scalar(event, '$.eventBody.mediaType') AS media_type,
        sum(CASE WHEN topic LIKE '%.user.end' THEN coalesce(
            CAST(json_extract_scalar(event, '$.eventBody.connectedDurationMs') AS double),
            CAST(json_extract_scalar(event, '$.eventBody.interactingDurationMs') AS double)
        ) ELSE 0 END) AS talk_ms,
        sum(CASE WHEN topic LIKE '%.acw' THEN
            CAST(json_extract_scalar(event, '$.eventBody.wrapupDurationMs') AS double)
        ELSE 0 END) AS after_call_ms
    FROM events
    WHERE "date" >= CAST(CAST(current_date - INTERVAL '7' DAY AS date) AS varchar)
        AND (topic LIKE 'v2.detail.events.conversation.%.user.end' OR topic LIKE 'v2.detail.events.conversation.%.acw')
    GROUP BY 2, 3
)
GROUP BY 1, 2
ORDER BY 1, 2
