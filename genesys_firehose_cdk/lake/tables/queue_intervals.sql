-- What happened in each queue in each half hour: counts and sums of milliseconds. A wait is offered where it began, as
-- answered, abandoned or flowed out where it ended, and a handle counts where it was complete.
SELECT
    CAST(interval_start AS date) AS day,
    interval_start,
    queue_id,
    queue_name,
    media_type,
    sum(offered) AS offered,
    sum(answered) AS answered,
    sum(abandoned) AS abandoned,
    sum(CASE WHEN abandoned = 1 AND waited_ms < 10000 THEN 1 ELSE 0 END) AS short_abandoned,
    sum(flow_out) AS flow_outs,
    -- Null where the target of an answered wait is not known.
    CASE
        WHEN sum(answered) = count(CASE WHEN answered = 1 AND target_ms IS NOT NULL AND waited_ms IS NOT NULL THEN 1 END)
            THEN sum(CASE WHEN answered = 1 AND waited_ms > target_ms THEN 1 ELSE 0 END)
    END AS over_target,
    sum(CASE WHEN answered = 1 THEN coalesce(waited_ms, 0) ELSE 0 END) AS answered_wait_ms,
    sum(CASE WHEN abandoned = 1 THEN coalesce(waited_ms, 0) ELSE 0 END) AS abandoned_wait_ms,
    sum(handled) AS handled,
    sum(talk_ms) AS talk_ms,
    sum(held_ms) AS held_ms,
    sum(after_call_ms) AS after_call_ms,
    sum(handled_ms) AS handled_ms
FROM (
    SELECT
        date_trunc('hour', facts.moment)
            + CASE WHEN minute(facts.moment) >= 30 THEN INTERVAL '30' MINUTE ELSE INTERVAL '0' MINUTE END AS interval_start,
        facts.*,
        targets.latest_name AS queue_name,
        CASE facts.media_type
            WHEN 'VOICE' THEN targets.voice_target_ms
            WHEN 'CALLBACK' THEN targets.callback_target_ms
            WHEN 'CHAT' THEN targets.chat_target_ms
            WHEN 'EMAIL' THEN targets.email_target_ms
            WHEN 'MESSAGE' THEN targets.message_target_ms
        END AS target_ms
    FROM (
        SELECT
            started_at AS moment,
            queue_id,
            media_type,
            1 AS offered,
            0 AS answered,
            0 AS abandoned,
            0 AS flow_out,
            CAST(NULL AS bigint) AS waited_ms,
            0 AS handled,
            0 AS talk_ms,
            0 AS held_ms,
            0 AS after_call_ms,
            0 AS handled_ms
        FROM sessions
        WHERE purpose = 'acd'
        UNION ALL
        SELECT
            ended_at AS moment,
            queue_id,
            media_type,
            0 AS offered,
            CASE WHEN acd_outcome = 'ANSWERED' THEN 1 ELSE 0 END AS answered,
            CASE WHEN acd_outcome = 'ABANDON' THEN 1 ELSE 0 END AS abandoned,
            CASE WHEN acd_outcome = 'FLOW_OUT' THEN 1 ELSE 0 END AS flow_out,
            waited_ms,
            0 AS handled,
            0 AS talk_ms,
            0 AS held_ms,
            0 AS after_call_ms,
            0 AS handled_ms
        FROM sessions
        WHERE purpose = 'acd'
        UNION ALL
        SELECT
            handled_at AS moment,
            queue_id,
            media_type,
            0 AS offered,
            0 AS answered,
            0 AS abandoned,
            0 AS flow_out,
            CAST(NULL AS bigint) AS waited_ms,
            1 AS handled,
            talk_ms,
            held_ms,
            after_call_ms,
            handled_ms
        FROM sessions
        WHERE purpose = 'agent' AND handled_ms > 0
    ) AS facts
    LEFT JOIN (
        SELECT
            *,
            max(CASE WHEN latest THEN name END) OVER (PARTITION BY id) AS latest_name,
            -- What was before the first snapshot is taken to have been as it was then.
            CASE
                WHEN row_number() OVER (PARTITION BY id ORDER BY valid_from) = 1 THEN TIMESTAMP '1970-01-01 00:00:00'
                ELSE valid_from
            END AS since,
            lead(valid_from) OVER (PARTITION BY id ORDER BY valid_from) AS next_from
        FROM dim_queues
    ) AS targets
        ON targets.id = facts.queue_id
        AND facts.moment >= targets.since
        AND facts.moment < coalesce(targets.next_from, TIMESTAMP '9999-01-01 00:00:00')
    WHERE facts.queue_id IS NOT NULL AND facts.moment IS NOT NULL
)
GROUP BY interval_start, queue_id, queue_name, media_type
