-- Queues: names, divisions and service-level targets, and from when to when each held.
SELECT
    id,
    name,
    json_extract_scalar(attributes, '$.divisionId') AS division_id,
    CAST(TRY_CAST(json_extract_scalar(attributes, '$.serviceLevels.call.durationMs') AS decimal(11, 0)) AS bigint)
        AS voice_target_ms,
    CAST(TRY_CAST(json_extract_scalar(attributes, '$.serviceLevels.callback.durationMs') AS decimal(11, 0)) AS bigint)
        AS callback_target_ms,
    CAST(TRY_CAST(json_extract_scalar(attributes, '$.serviceLevels.chat.durationMs') AS decimal(11, 0)) AS bigint)
        AS chat_target_ms,
    CAST(TRY_CAST(json_extract_scalar(attributes, '$.serviceLevels.email.durationMs') AS decimal(11, 0)) AS bigint)
        AS email_target_ms,
    CAST(TRY_CAST(json_extract_scalar(attributes, '$.serviceLevels.message.durationMs') AS decimal(11, 0)) AS bigint)
        AS message_target_ms,
    attributes,
    valid_from,
    valid_to,
    latest
FROM name_versions
WHERE kind = 'queue'
