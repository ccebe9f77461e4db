-- Conversations, of their sessions.
SELECT
    day,
    conversation_id,
    min(started_at) AS started_at,
    coalesce(max(CASE WHEN purpose = 'customer' THEN ended_at END), max(ended_at)) AS ended_at,
    max(CASE WHEN place = 1 THEN media_type END) AS media_type,
    max(CASE WHEN place = 1 THEN direction END) AS direction,
    max(CASE WHEN place_in_queues = 1 THEN queue_id END) AS first_queue_id,
    count(DISTINCT CASE WHEN purpose = 'acd' THEN queue_id END) AS queues,
    count(DISTINCT CASE WHEN purpose = 'agent' AND handled_ms > 0 THEN user_id END) AS agents,
    count(CASE WHEN purpose = 'acd' THEN 1 END) AS offered,
    count(CASE WHEN purpose = 'acd' AND acd_outcome = 'ANSWERED' THEN 1 END) AS answered,
    count(CASE WHEN purpose = 'acd' AND acd_outcome = 'ABANDON' THEN 1 END) AS abandoned,
    count(CASE WHEN purpose = 'acd' AND acd_outcome = 'FLOW_OUT' THEN 1 END) AS flow_outs,
    count(CASE WHEN handled_ms > 0 THEN 1 END) AS handled,
    sum(coalesce(waited_ms, 0)) AS waited_ms,
    sum(talk_ms) AS talk_ms,
    sum(held_ms) AS held_ms,
    sum(after_call_ms) AS after_call_ms,
    sum(coalesce(handled_ms, 0)) AS handled_ms,
    max(handled_at) AS handled_at,
    max(CASE WHEN place_in_wrapups = 1 THEN wrapup_code END) AS wrapup_code,
    count(*) AS sessions
FROM (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY day, conversation_id ORDER BY started_at NULLS LAST, session_id
        ) AS place,
        row_number() OVER (
            PARTITION BY day, conversation_id
            ORDER BY CASE WHEN purpose = 'acd' THEN 0 ELSE 1 END, started_at NULLS LAST, session_id
        ) AS place_in_queues,
        row_number() OVER (
            PARTITION BY day, conversation_id ORDER BY wrapup_at DESC NULLS LAST, session_id
        ) AS place_in_wrapups
    FROM sessions
    WHERE day BETWEEN DATE '{first_day}' - INTERVAL '3' DAY AND DATE '{last_day}' + INTERVAL '6' DAY
)
GROUP BY day, conversation_id
