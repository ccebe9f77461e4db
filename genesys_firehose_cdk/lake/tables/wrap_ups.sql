-- Wrap-up codes of sessions, and dispositions of flat events, each once.
SELECT
    found.day,
    found.wrapup_at,
    found.conversation_id,
    found.session_id,
    found.queue_id,
    found.user_id,
    found.media_type,
    found.code,
    codes.name AS code_name
FROM (
    SELECT
        coalesce(CAST(wrapup_at AS date), day) AS day,
        wrapup_at,
        conversation_id,
        session_id,
        queue_id,
        user_id,
        media_type,
        wrapup_code AS code
    FROM sessions
    WHERE wrapup_code IS NOT NULL
    UNION ALL
    SELECT
        day,
        event_time AS wrapup_at,
        conversation_id,
        CAST(NULL AS varchar) AS session_id,
        queue_id,
        user_id,
        media_type,
        wrapup_code AS code
    FROM events
    WHERE event_type = 'disposition' AND kind IS NULL AND wrapup_code IS NOT NULL
) AS found
LEFT JOIN dim_wrapup_codes AS codes ON codes.id = found.code AND codes.latest
