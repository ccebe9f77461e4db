-- Every event once: the newest version of the transform wins, then a copy that was checked, then the first received.
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
    json_format(json_extract(line, '$.schema_drift')) AS schema_drift,
    json_format(json_extract(line, '$.event')) AS event
FROM (
    SELECT
        event_type,
        "date",
        line,
        row_number() OVER (
            PARTITION BY json_extract_scalar(line, '$.dedup_key'), "date"
            ORDER BY
                json_extract_scalar(line, '$.transform_version') DESC,
                coalesce(json_extract_scalar(line, '$.deduplicated'), 'true') DESC,
                json_extract_scalar(line, '$.received_at'),
                json_extract_scalar(line, '$.ingest_id')
        ) AS place
    FROM clean
)
WHERE place = 1
