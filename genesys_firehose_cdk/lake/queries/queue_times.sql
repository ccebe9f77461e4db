-- Time in queue per day, queue and outcome of the last seven days, in seconds (events acd.end of Genesys Cloud).
SELECT
    "date",
    queue_id,
    media_type,
    outcome,
    count(*) AS conversations,
    avg(CASE WHEN connected_ms >= 0 THEN connected_ms END) / 1000 AS average_seconds,
    max(CASE WHEN connected_ms >= 0 THEN connected_ms END) / 1000 AS longest_seconds
FROM (
    SELECT
        "date",
        json_extract_scalar(event, '$.eventBody.queueId') AS queue_id,
        json_extract_scalar(event, '$.eventBody.mediaType') AS media_type,
        json_extract_scalar(event, '$.eventBody.acdOutcome') AS outcome,
        -- Below 10^11, three years, whatever a sender writes. No exponent: 1e999999999 would be written out.
        CAST(TRY_CAST(
            regexp_extract(json_extract_scalar(event, '$.eventBody.connectedDurationMs'), '^[0-9]+([.][0-9]+)?$')
            AS decimal(14, 3)
        ) AS double) AS connected_ms
    FROM events
    WHERE "date" >= CAST(CAST(current_date - INTERVAL '7' DAY AS date) AS varchar)
        AND topic LIKE 'v2.detail.events.conversation.%.acd.end'
)
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4
