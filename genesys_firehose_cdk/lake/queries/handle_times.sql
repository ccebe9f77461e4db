-- Handle time per day and media of the last seven days, in seconds: talk and hold (user.end), after-call work (acw), and
-- for outbound conversations dialing and contacting. A conversation counts on the day of the last of them.
SELECT
    "date",
    media_type,
    count(*) AS conversations,
    avg(talk_ms) / 1000 AS average_talk_seconds,
    avg(hold_ms) / 1000 AS average_hold_seconds,
    avg(after_call_ms) / 1000 AS average_after_call_seconds,
    avg(dialing_ms) / 1000 AS average_dialing_seconds,
    avg(talk_ms + hold_ms + after_call_ms + dialing_ms) / 1000 AS average_handle_seconds
FROM (
    SELECT
        max("date") AS "date",
        conversation_id,
        media_type,
        sum(CASE WHEN topic LIKE '%.user.end' AND interacting_ms > 0 THEN interacting_ms ELSE 0e0 END) AS talk_ms,
        sum(CASE WHEN topic LIKE '%.user.end' AND held_ms > 0 THEN held_ms ELSE 0e0 END) AS hold_ms,
        sum(CASE WHEN topic LIKE '%.acw' AND wrapup_ms > 0 THEN wrapup_ms ELSE 0e0 END) AS after_call_ms,
        sum(CASE
            WHEN topic LIKE '%.user.end' AND direction = 'OUTBOUND'
                THEN CASE WHEN dialing_ms > 0 THEN dialing_ms ELSE 0e0 END
                    + CASE WHEN contacting_ms > 0 THEN contacting_ms ELSE 0e0 END
            ELSE 0e0
        END) AS dialing_ms
    FROM (
        SELECT
            "date",
            topic,
            json_extract_scalar(event, '$.eventBody.conversationId') AS conversation_id,
            json_extract_scalar(event, '$.eventBody.mediaType') AS media_type,
            json_extract_scalar(event, '$.eventBody.direction') AS direction,
            -- Below 10^11, three years, whatever a sender writes. No exponent: 1e999999999 would be written out.
            CAST(TRY_CAST(
                regexp_extract(json_extract_scalar(event, '$.eventBody.interactingDurationMs'), '^[0-9]+([.][0-9]+)?$')
                AS decimal(14, 3)
            ) AS double) AS interacting_ms,
            CAST(TRY_CAST(
                regexp_extract(json_extract_scalar(event, '$.eventBody.heldDurationMs'), '^[0-9]+([.][0-9]+)?$')
                AS decimal(14, 3)
            ) AS double) AS held_ms,
            CAST(TRY_CAST(
                regexp_extract(json_extract_scalar(event, '$.eventBody.wrapupDurationMs'), '^[0-9]+([.][0-9]+)?$')
                AS decimal(14, 3)
            ) AS double) AS wrapup_ms,
            CAST(TRY_CAST(
                regexp_extract(json_extract_scalar(event, '$.eventBody.dialingDurationMs'), '^[0-9]+([.][0-9]+)?$')
                AS decimal(14, 3)
            ) AS double) AS dialing_ms,
            CAST(TRY_CAST(
                regexp_extract(json_extract_scalar(event, '$.eventBody.contactingDurationMs'), '^[0-9]+([.][0-9]+)?$')
                AS decimal(14, 3)
            ) AS double) AS contacting_ms
        FROM events
        -- A day more, for conversations that ended in the first.
        WHERE "date" >= CAST(CAST(current_date - INTERVAL '8' DAY AS date) AS varchar)
            AND (
                topic LIKE 'v2.detail.events.conversation.%.user.end'
                OR topic LIKE 'v2.detail.events.conversation.%.acw'
            )
    )
    WHERE conversation_id IS NOT NULL
    GROUP BY 2, 3
)
WHERE "date" >= CAST(CAST(current_date - INTERVAL '7' DAY AS date) AS varchar)
    AND talk_ms + hold_ms + after_call_ms + dialing_ms > 0
GROUP BY 1, 2
ORDER BY 1, 2
