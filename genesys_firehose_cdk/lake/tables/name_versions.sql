-- What each thing was called, and from when to when.
SELECT
    kind,
    id,
    name,
    attributes,
    min(snapshot_at) AS valid_from,
    -- Only the last that is known has no end.
    CASE WHEN count(*) = count(until) THEN max(until) END AS valid_to,
    version = max(version) OVER (PARTITION BY kind, id) AS latest
FROM (
    SELECT
        *,
        sum(
            CASE
                WHEN previous_until = snapshot_at
                    AND name IS NOT DISTINCT FROM previous_name
                    AND attributes IS NOT DISTINCT FROM previous_attributes THEN 0
                ELSE 1
            END
        ) OVER (PARTITION BY kind, id ORDER BY snapshot_at) AS version
    FROM (
        SELECT
            *,
            lag(until) OVER (PARTITION BY kind, id ORDER BY snapshot_at) AS previous_until,
            lag(name) OVER (PARTITION BY kind, id ORDER BY snapshot_at) AS previous_name,
            lag(attributes) OVER (PARTITION BY kind, id ORDER BY snapshot_at) AS previous_attributes
        FROM (
            SELECT
                kind,
                id,
                snapshot_at,
                name,
                attributes,
                -- Until the next snapshot that has it, or the next complete one that lacks it.
                CASE
                    WHEN next_complete_at < coalesce(next_at, TIMESTAMP '9999-01-01 00:00:00') THEN next_complete_at
                    ELSE next_at
                END AS until
            FROM (
                SELECT
                    seen.*,
                    snapshots.next_complete_at,
                    lead(seen.snapshot_at) OVER (PARTITION BY seen.kind, seen.id ORDER BY seen.snapshot_at) AS next_at
                FROM (
                    SELECT kind, id, snapshot_at, max(name) AS name, max(attributes) AS attributes
                    FROM names
                    GROUP BY kind, id, snapshot_at
                ) AS seen
                JOIN (
                    SELECT
                        kind,
                        snapshot_at,
                        min(CASE WHEN found = total THEN snapshot_at END) OVER (
                            PARTITION BY kind
                            ORDER BY snapshot_at
                            ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
                        ) AS next_complete_at
                    FROM (
                        SELECT kind, snapshot_at, count(DISTINCT id) AS found, max(total) AS total
                        FROM names
                        GROUP BY kind, snapshot_at
                    )
                ) AS snapshots
                    ON snapshots.kind = seen.kind AND snapshots.snapshot_at = seen.snapshot_at
            )
        )
    )
)
GROUP BY kind, id, name, attributes, version
