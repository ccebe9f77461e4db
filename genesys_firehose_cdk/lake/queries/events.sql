-- Every event once. Of the records of one received copy the newest version of the transform counts. Of the copies of one
-- event the bus ranks before the webhook, then the newest version, then a copy that was checked, then the first received.
-- A filter on "date" reads only those days; one on event_type filters what was read.
SELECT
    event_type,
    "date",
    json_extract_scalar(line, '$.dedup_key') AS dedup_key,
    json_extract_scalar(line, '$.ingest_id') AS ingest_id,
    json_extract_scalar(line, '$.received_at') AS received_at,
    json_extract_scalar(line, '$.ingress') AS ingress,
    json_extract_scalar(line, '$.event_time') AS event_time,
    json_extract_scalar(line, '$.topic') AS topic,
    json_extract_scalar(line, '$.transform_version') AS transform_version,
    json_extract_scalar(line, '$.deduplicated') IS NULL AS deduplicated,
    conflict IS NOT NULL AS conflict,
    repeated IS NOT NULL AS repeated,
    json_format(json_extract(line, '$.schema_drift')) AS schema_drift,
    json_format(json_extract(line, '$.event')) AS event
FROM (
    SELECT
        event_type,
        "date",
        line,
        conflict,
        repeated,
        row_number() OVER (
            PARTITION BY json_extract_scalar(line, '$.dedup_key'), "date"
            ORDER BY
                CASE WHEN json_extract_scalar(line, '$.ingress') = 'eventbridge' THEN 0 ELSE 1 END,
                json_extract_scalar(line, '$.transform_version') DESC,
                coalesce(json_extract_scalar(line, '$.deduplicated'), 'true') DESC,
                json_extract_scalar(line, '$.received_at'),
                json_extract_scalar(line, '$.ingest_id')
        ) AS place
    FROM (
        SELECT
            event_type,
            "date",
            line,
            -- A rebuild can't tell, so what a record of an older version says of its copy goes on counting.
            max(json_extract_scalar(line, '$.conflict')) OVER (
                PARTITION BY json_extract_scalar(line, '$.ingest_id'), "date"
            ) AS conflict,
            max(json_extract_scalar(line, '$.repeated')) OVER (
                PARTITION BY json_extract_scalar(line, '$.ingest_id'), "date"
            ) AS repeated,
            row_number() OVER (
                PARTITION BY json_extract_scalar(line, '$.ingest_id'), "date"
                ORDER BY
                    json_extract_scalar(line, '$.transform_version') DESC,
                    coalesce(json_extract_scalar(line, '$.deduplicated'), 'true') DESC
            ) AS making
        FROM clean
    )
    WHERE making = 1
)
WHERE place = 1
