-- A participant's sessions, of the detail events of each conversation. A conversation lies on the day of its first event;
-- what comes more than three days later lies on a day of its own.
--
-- Where the backfill put in a conversation's details record, the newest one says what its sessions were, and not their
-- events of up to six days after it. What is newer than all that the record knows goes on counting, with all of its
-- session, and so does a session that ended later than that.
SELECT
    day,
    conversation_id,
    session_id,
    participant_id,
    purpose,
    media_type,
    message_type,
    direction,
    division_id,
    queue_id,
    user_id,
    flow_id,
    coalesce(started_at, reckoned_start) AS started_at,
    ended_at,
    disconnect_type,
    acd_outcome,
    waited_ms,
    alerting_ms,
    dialing_ms,
    contacting_ms,
    talk_ms,
    held_ms,
    after_call_ms,
    callback_ms,
    voicemail_ms,
    CASE WHEN purpose = 'agent' THEN
        talk_ms + held_ms + after_call_ms
            + CASE WHEN direction = 'OUTBOUND' THEN dialing_ms + contacting_ms ELSE 0 END
    END AS handled_ms,
    CASE WHEN purpose = 'agent' THEN
        coalesce(greatest(ended_at, after_call_at), ended_at, after_call_at)
    END AS handled_at,
    wrapup_code,
    wrapup_at,
    events
FROM (
    SELECT
        conversation_day AS day,
        conversation_id,
        session AS session_id,
        min(participant_id) AS participant_id,
        CASE
            WHEN count(CASE WHEN kind IN ('user.start', 'user.end', 'acw', 'wrapup') THEN 1 END) > 0 THEN 'agent'
            WHEN count(CASE WHEN kind IN ('acd.start', 'acd.end') THEN 1 END) > 0 THEN 'acd'
            WHEN count(CASE WHEN kind IN ('flow.start', 'flow.end', 'flow.outcome') THEN 1 END) > 0 THEN 'flow'
            WHEN count(CASE WHEN kind IN ('voicemail.start', 'voicemail.end') THEN 1 END) > 0 THEN 'voicemail'
            WHEN count(CASE WHEN kind IN ('customer.start', 'customer.end') THEN 1 END) > 0 THEN 'customer'
        END AS purpose,
        max(media_type) AS media_type,
        max(message_type) AS message_type,
        max(direction) AS direction,
        max(division_id) AS division_id,
        max(queue_id) AS queue_id,
        max(user_id) AS user_id,
        max(flow_id) AS flow_id,
        min(CASE WHEN kind LIKE '%.start' THEN event_time END) AS started_at,
        min(
            event_time - coalesce(
                CASE WHEN kind IN ('acd.end', 'flow.end') THEN connected_ms END,
                CASE WHEN kind = 'customer.end' THEN interacting_ms END,
                CASE WHEN kind = 'voicemail.end' THEN voicemail_ms END,
                CASE WHEN kind = 'user.end' THEN
                    coalesce(alerting_ms, 0) + coalesce(dialing_ms, 0) + coalesce(contacting_ms, 0)
                        + coalesce(interacting_ms, 0) + coalesce(held_ms, 0)
                END,
                0
            ) * INTERVAL '0.001' SECOND
        ) AS reckoned_start,
        max(CASE WHEN kind LIKE '%.end' THEN event_time END) AS ended_at,
        max(CASE WHEN kind LIKE '%.end' THEN disconnect_type END) AS disconnect_type,
        max(CASE WHEN kind = 'acd.end' THEN acd_outcome END) AS acd_outcome,
        max(CASE WHEN kind = 'acd.end' THEN connected_ms END) AS waited_ms,
        sum(CASE WHEN kind = 'user.end' AND alerting_ms > 0 THEN alerting_ms ELSE 0 END) AS alerting_ms,
        sum(CASE WHEN kind = 'user.end' AND dialing_ms > 0 THEN dialing_ms ELSE 0 END) AS dialing_ms,
        sum(CASE WHEN kind = 'user.end' AND contacting_ms > 0 THEN contacting_ms ELSE 0 END) AS contacting_ms,
        sum(CASE WHEN kind = 'user.end' AND interacting_ms > 0 THEN interacting_ms ELSE 0 END) AS talk_ms,
        sum(CASE WHEN kind = 'user.end' AND held_ms > 0 THEN held_ms ELSE 0 END) AS held_ms,
        sum(CASE WHEN kind = 'acw' AND wrapup_ms > 0 THEN wrapup_ms ELSE 0 END) AS after_call_ms,
        sum(CASE WHEN kind = 'user.end' AND callback_ms > 0 THEN callback_ms ELSE 0 END) AS callback_ms,
        sum(CASE WHEN kind = 'voicemail.end' AND voicemail_ms > 0 THEN voicemail_ms ELSE 0 END) AS voicemail_ms,
        max(CASE WHEN kind = 'acw' THEN event_time END) AS after_call_at,
        max(CASE WHEN newest_wrapup = 1 THEN wrapup_code END) AS wrapup_code,
        max(CASE WHEN newest_wrapup = 1 AND wrapup_code IS NOT NULL THEN event_time END) AS wrapup_at,
        count(DISTINCT dedup_key) AS events
    FROM (
        SELECT
            *,
            row_number() OVER (
                PARTITION BY conversation_day, conversation_id, session
                ORDER BY
                    CASE WHEN wrapup_code IS NULL THEN 1 ELSE 0 END,
                    CASE WHEN kind = 'wrapup' THEN 0 ELSE 1 END,
                    event_time DESC NULLS LAST,
                    dedup_key
            ) AS newest_wrapup
        FROM (
            SELECT
                *,
                CASE
                    WHEN date_diff('day', min(day) OVER (PARTITION BY conversation_id, island), day) <= 3
                        THEN min(day) OVER (PARTITION BY conversation_id, island)
                    ELSE day
                END AS conversation_day
            FROM (
                -- An island is a conversation's days without a gap of more than three.
                SELECT
                    *,
                    sum(CASE WHEN date_diff('day', previous_day, day) <= 3 THEN 0 ELSE 1 END) OVER (
                        PARTITION BY conversation_id ORDER BY day
                    ) AS island
                FROM (
                    SELECT
                        *,
                        lag(day) OVER (PARTITION BY conversation_id ORDER BY day) AS previous_day
                    FROM (
                        SELECT
                            *,
                            max(CASE WHEN told_at IS NULL AND is_told THEN event_time END) OVER (
                                PARTITION BY conversation_id, session
                            ) AS last_event_at,
                            max(ends_late) OVER (PARTITION BY conversation_id, session) AS is_late
                        FROM (
                            SELECT
                                *,
                                max(told_at) OVER (PARTITION BY conversation_id) AS known_at,
                                date_diff('day', max(told_day) OVER (PARTITION BY conversation_id), day)
                                    BETWEEN -1 AND 6 AS is_told
                            FROM (
                                SELECT
                                    day,
                                    conversation_id,
                                    coalesce(session_id, participant_id) AS session,
                                    participant_id,
                                    kind,
                                    event_time,
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
                                    wrapup_code,
                                    connected_ms,
                                    interacting_ms,
                                    held_ms,
                                    alerting_ms,
                                    contacting_ms,
                                    dialing_ms,
                                    callback_ms,
                                    voicemail_ms,
                                    wrapup_ms,
                                    CAST(NULL AS date) AS told_day,
                                    CAST(NULL AS timestamp(6)) AS told_at,
                                    0 AS ends_late
                                FROM events
                                WHERE day BETWEEN DATE '{first_day}' - INTERVAL '9' DAY
                                        AND DATE '{last_day}' + INTERVAL '9' DAY
                                    AND kind IS NOT NULL
                                    AND conversation_id IS NOT NULL
                                UNION ALL
                                {details}
                            )
                        )
                    )
                    WHERE CASE
                        WHEN told_at IS NOT NULL THEN is_late = 0 AND coalesce(last_event_at <= known_at, true)
                        ELSE known_at IS NULL OR NOT is_told OR is_late = 1 OR last_event_at > known_at
                    END
                )
            )
        )
    )
    WHERE session IS NOT NULL
    GROUP BY conversation_day, conversation_id, session
)
WHERE day BETWEEN DATE '{first_day}' - INTERVAL '3' DAY AND DATE '{last_day}' + INTERVAL '6' DAY
