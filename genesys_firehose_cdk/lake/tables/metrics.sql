-- Genesys Cloud's own metrics of conversations, a row for each.
SELECT
    day,
    dedup_key,
    event_time AS metric_at,
    json_extract_scalar(event, '$.eventBody.metric') AS metric,
    CAST(
        TRY_CAST(
            regexp_extract(json_extract_scalar(event, '$.eventBody.value'), '^[0-9]+([.][0-9]+)?$') AS decimal(14, 3)
        ) AS double
    ) AS value,
    conversation_id,
    session_id,
    json_extract_scalar(event, '$.eventBody.purpose') AS purpose,
    media_type,
    direction,
    queue_id,
    user_id,
    json_extract_scalar(event, '$.eventBody.wrapUpCode') AS wrapup_code,
    json_extract_scalar(event, '$.eventBody.recordId') AS record_id
FROM events
WHERE day BETWEEN DATE '{first_day}' AND DATE '{last_day}'
    AND topic LIKE 'v2.analytics.conversation.%.metrics'
    AND json_extract_scalar(event, '$.eventBody.metric') IS NOT NULL
