-- Service level per half hour, queue and medium of the last two days, as Genesys Cloud counts it with abandoned and short
-- abandoned included and flow-outs left out: answered within the target, of answered and abandoned. Without the target,
-- which comes with the names of the queues, it is null.
SELECT
    interval_start,
    queue_id,
    queue_name,
    media_type,
    answered,
    over_target,
    abandoned,
    short_abandoned,
    flow_outs,
    (answered - over_target) * 1e0 / nullif(answered + abandoned, 0) AS service_level
FROM queue_intervals
WHERE day >= current_date - INTERVAL '2' DAY
    AND offered + answered + abandoned + flow_outs > 0
ORDER BY 1, 2, 4
