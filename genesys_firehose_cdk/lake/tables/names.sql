-- Snapshots of the names of things: a row for each thing and snapshot.
SELECT
    day,
    kind,
    id,
    snapshot_at,
    name,
    attributes,
    total
FROM (
    SELECT *, row_number() OVER (PARTITION BY day, kind, id, snapshot_at ORDER BY received_at, dedup_key) AS place
    FROM (
        SELECT
            day,
            received_at,
            dedup_key,
            json_extract_scalar(event, '$.kind') AS kind,
            json_extract_scalar(event, '$.id') AS id,
            TRY(CAST(
                from_iso8601_timestamp(json_extract_scalar(event, '$.snapshotAt')) AT TIME ZONE 'UTC' AS timestamp(6)
            )) AS snapshot_at,
            json_extract_scalar(event, '$.name') AS name,
            json_format(json_extract(event, '$.attributes')) AS attributes,
            CAST(TRY_CAST(json_extract_scalar(event, '$.total') AS decimal(9, 0)) AS bigint) AS total
        FROM events
        WHERE day BETWEEN DATE '{first_day}' AND DATE '{last_day}'
            -- Both are the pipeline's own: no sender can name either.
            AND event_type = 'names'
            AND ingress = 'names'
    )
    WHERE kind IS NOT NULL AND id IS NOT NULL AND snapshot_at IS NOT NULL
)
WHERE place = 1
