-- The sessions of conversations' details records as the events that would have told them: a start, an end, after-call
-- work and a wrap-up of each, all on the day and with the key of the record. Of a conversation's records the newest counts.
SELECT
    day,
    conversation_id,
    session,
    participant_id,
    CASE WHEN part IN ('acw', 'wrapup') THEN part ELSE subject || '.' || part END AS kind,
    CASE part
        WHEN 'start' THEN started_at
        WHEN 'end' THEN ended_at
        WHEN 'acw' THEN after_call_at
        ELSE wrapup_at
    END AS event_time,
    dedup_key,
    media_type,
    message_type,
    direction,
    division_id,
    queue_id,
    user_id,
    flow_id,
    acd_outcome,
    disconnect_type,
    CASE WHEN part = 'wrapup' THEN wrapup_code END AS wrapup_code,
    waited_ms AS connected_ms,
    talk_ms AS interacting_ms,
    held_ms,
    alerting_ms,
    contacting_ms,
    dialing_ms,
    CAST(NULL AS bigint) AS callback_ms,
    voicemail_ms,
    after_call_ms AS wrapup_ms,
    day AS told_day,
    told_at,
    CASE WHEN date_diff('day', day, CAST(last_at AS date)) > 6 THEN 1 ELSE 0 END AS ends_late
FROM (
    SELECT
        day,
        conversation_id,
        dedup_key,
        told_at,
        division_id,
        participant_id,
        user_id,
        subject,
        session,
        media_type,
        message_type,
        direction,
        flow_id,
        max(queue_id) AS queue_id,
        max(disconnect_type) AS disconnect_type,
        min(segment_start) AS started_at,
        -- None as long as a segment goes on.
        CASE
            WHEN count(CASE WHEN segment_start IS NOT NULL AND segment_end IS NULL THEN 1 END) = 0
                THEN max(CASE WHEN segment_type <> 'wrapup' THEN segment_end END)
        END AS ended_at,
        coalesce(max(segment_end), min(segment_start)) AS last_at,
        CASE
            WHEN count(CASE WHEN metric = 'tAnswered' THEN 1 END) > 0 THEN 'ANSWERED'
            WHEN count(CASE WHEN metric = 'tAbandon' THEN 1 END) > 0 THEN 'ABANDON'
            WHEN count(CASE WHEN metric = 'tFlowOut' THEN 1 END) > 0 THEN 'FLOW_OUT'
        END AS acd_outcome,
        sum(CASE WHEN metric = 'tAcd' THEN value END) AS waited_ms,
        coalesce(
            sum(CASE WHEN metric = 'tTalkComplete' THEN value END), sum(CASE WHEN metric = 'tTalk' THEN value END)
        ) AS talk_ms,
        coalesce(
            sum(CASE WHEN metric = 'tHeldComplete' THEN value END), sum(CASE WHEN metric = 'tHeld' THEN value END)
        ) AS held_ms,
        sum(CASE WHEN metric = 'tAlert' THEN value END) AS alerting_ms,
        sum(CASE WHEN metric = 'tContacting' THEN value END) AS contacting_ms,
        sum(CASE WHEN metric = 'tDialing' THEN value END) AS dialing_ms,
        sum(CASE WHEN metric = 'tVoicemail' THEN value END) AS voicemail_ms,
        sum(CASE WHEN metric = 'tAcw' THEN value END) AS after_call_ms,
        max(CASE WHEN metric = 'tAcw' THEN emitted_at END) AS after_call_at,
        max(CASE WHEN segment_end = newest_wrapup_at THEN given_code END) AS wrapup_code,
        max(newest_wrapup_at) AS wrapup_at
    FROM (
        SELECT
            *,
            max(CASE WHEN given_code IS NOT NULL THEN segment_end END) OVER (
                PARTITION BY conversation_id, participant_id, session
            ) AS newest_wrapup_at
        FROM (
            SELECT
                *,
                json_extract_scalar(piece, '$.queueId') AS queue_id,
                upper(json_extract_scalar(piece, '$.disconnectType')) AS disconnect_type,
                json_extract_scalar(piece, '$.segmentType') AS segment_type,
                TRY(CAST(
                    from_iso8601_timestamp(json_extract_scalar(piece, '$.segmentStart')) AT TIME ZONE 'UTC' AS timestamp(6)
                )) AS segment_start,
                TRY(CAST(
                    from_iso8601_timestamp(json_extract_scalar(piece, '$.segmentEnd')) AT TIME ZONE 'UTC' AS timestamp(6)
                )) AS segment_end,
                json_extract_scalar(piece, '$.wrapUpCode') AS given_code,
                json_extract_scalar(piece, '$.name') AS metric,
                TRY_CAST(json_extract_scalar(piece, '$.value') AS bigint) AS value,
                TRY(CAST(
                    from_iso8601_timestamp(json_extract_scalar(piece, '$.emitDate')) AT TIME ZONE 'UTC' AS timestamp(6)
                )) AS emitted_at
            FROM (
                SELECT
                    *,
                    json_extract_scalar(told, '$.sessionId') AS session,
                    upper(json_extract_scalar(told, '$.mediaType')) AS media_type,
                    upper(json_extract_scalar(told, '$.messageType')) AS message_type,
                    upper(json_extract_scalar(told, '$.direction')) AS direction,
                    json_extract_scalar(told, '$.flow.flowId') AS flow_id,
                    -- Segments and metrics one after the other; a session with neither is a session.
                    CASE
                        WHEN piece_number < segments THEN json_array_get(json_extract(told, '$.segments'), piece_number)
                        ELSE json_array_get(json_extract(told, '$.metrics'), piece_number - segments)
                    END AS piece
                FROM (
                    SELECT
                        *,
                        coalesce(CAST(json_array_length(json_extract(told, '$.segments')) AS bigint), 0) AS segments,
                        coalesce(CAST(json_array_length(json_extract(told, '$.metrics')) AS bigint), 0) AS metrics
                    FROM (
                        SELECT
                            *,
                            json_extract_scalar(participant, '$.participantId') AS participant_id,
                            json_extract_scalar(participant, '$.userId') AS user_id,
                            CASE
                                WHEN json_extract_scalar(participant, '$.purpose') IN ('customer', 'external')
                                    THEN 'customer'
                                WHEN json_extract_scalar(participant, '$.purpose') IN ('agent', 'user') THEN 'user'
                                WHEN json_extract_scalar(participant, '$.purpose') = 'acd' THEN 'acd'
                                WHEN json_extract_scalar(participant, '$.purpose') = 'voicemail' THEN 'voicemail'
                                WHEN json_extract_scalar(participant, '$.purpose')
                                    IN ('ivr', 'botflow', 'workflow', 'voicesurveyflow') THEN 'flow'
                                ELSE 'other'
                            END AS subject,
                            json_array_get(json_extract(participant, '$.sessions'), session_number) AS told
                        FROM (
                            SELECT *, json_array_get(participants, participant_number) AS participant
                            FROM (
                                SELECT
                                    day,
                                    conversation_id,
                                    dedup_key,
                                    json_extract(details, '$.eventBody.participants') AS participants,
                                    CASE
                                        WHEN json_array_length(json_extract(details, '$.eventBody.divisionIds')) = 1
                                            THEN json_extract_scalar(details, '$.eventBody.divisionIds[0]')
                                    END AS division_id,
                                    told_at,
                                    row_number() OVER (
                                        PARTITION BY conversation_id ORDER BY told_at DESC, received_at DESC, dedup_key
                                    ) AS place
                                FROM (
                                    SELECT
                                        *,
                                        coalesce(
                                            TRY(CAST(
                                                from_iso8601_timestamp(json_extract_scalar(details, '$.timestamp'))
                                                AT TIME ZONE 'UTC' AS timestamp(6)
                                            )),
                                            received_at
                                        ) AS told_at
                                    FROM events
                                    WHERE day BETWEEN DATE '{first_day}' - INTERVAL '9' DAY
                                            AND DATE '{last_day}' + INTERVAL '9' DAY
                                        AND details IS NOT NULL
                                        AND conversation_id IS NOT NULL
                                )
                            )
                            CROSS JOIN UNNEST(
                                CASE
                                    WHEN json_array_length(participants) > 0
                                        THEN sequence(0, CAST(json_array_length(participants) AS bigint) - 1, 1)
                                END
                            ) AS participant_numbers (participant_number)
                            WHERE place = 1
                        )
                        CROSS JOIN UNNEST(
                            CASE
                                WHEN json_array_length(json_extract(participant, '$.sessions')) > 0
                                    THEN sequence(
                                        0, CAST(json_array_length(json_extract(participant, '$.sessions')) AS bigint) - 1, 1
                                    )
                            END
                        ) AS session_numbers (session_number)
                    )
                )
                CROSS JOIN UNNEST(sequence(0, greatest(segments + metrics, 1) - 1, 1)) AS piece_numbers (piece_number)
            )
        )
    )
    GROUP BY
        day,
        conversation_id,
        dedup_key,
        told_at,
        division_id,
        participant_id,
        user_id,
        subject,
        session,
        media_type,
        message_type,
        direction,
        flow_id
)
CROSS JOIN UNNEST(ARRAY['start', 'end', 'acw', 'wrapup']) AS parts (part)
WHERE part = 'start'
    OR (part = 'end' AND ended_at IS NOT NULL)
    OR (subject = 'user' AND ((part = 'acw' AND after_call_ms > 0) OR (part = 'wrapup' AND wrapup_code IS NOT NULL)))
