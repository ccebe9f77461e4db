-- Share of conversations that were abandoned in queue, per day and queue of the last seven days.
SELECT
    "date",
    json_extract_scalar(event, '$.eventBody.queueId') AS queue_id,
    count(*) AS offered,
    sum(CASE WHEN json_extract_scalar(event, '$.eventBody.acdOutcome') = 'ABANDON' THEN 1 ELSE 0 END) AS abandoned,
    avg(CASE WHEN json_extract_scalar(event, '$.eventBody.acdOutcome') = 'ABANDON' THEN 1e0 ELSE 0e0 END) AS abandon_rate
FROM events
WHERE "date" >= CAST(CAST(current_date - INTERVAL '7' DAY AS date) AS varchar)
    AND topic LIKE 'v2.detail.events.conversation.%.acd.end'
GROUP BY 1, 2
ORDER BY 1, 2
