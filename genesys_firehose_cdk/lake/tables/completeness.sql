-- One row: the day, and what its last check found. Gaps that were found are certain at once; that there are none is
-- certain at the last check alone, and not where there is a reason for doubt.
SELECT
    day,
    CASE WHEN is_compared THEN greatest(listed, listed_before) ELSE nullif(listed_before, 0) END AS listed,
    CASE WHEN is_compared THEN expected END AS expected,
    CASE WHEN reason = '' THEN expected - missing END AS seen,
    CASE WHEN is_compared AND missing > 0 OR reason = '' AND '<final>' = 'true' THEN missing END AS missing,
    CASE WHEN is_compared AND partial > 0 OR reason = '' AND '<final>' = 'true' THEN partial END AS partial,
    CASE WHEN is_compared THEN unlisted END AS unlisted,
    watermark,
    checked_at,
    CASE
        WHEN reason <> '' THEN 'unknown'
        WHEN missing + partial > 0 THEN 'gaps'
        WHEN '<final>' = 'true' THEN 'complete'
        ELSE 'open'
    END AS state,
    nullif(reason, '') AS reason
FROM (
    SELECT
        *,
        CASE
            WHEN '<reason>' <> '' THEN '<reason>'
            WHEN NOT is_compared THEN 'What Genesys Cloud listed was not read whole.'
            WHEN listed < listed_before THEN
                'Genesys Cloud lists fewer conversations than at an earlier check: the organization deletes data, or the OAuth client sees fewer divisions.'
            WHEN unlisted > 0 THEN
                'The lake has conversations that Genesys Cloud does not list: the OAuth client does not see all divisions, or the organization deletes data.'
            ELSE ''
        END AS reason
    FROM (
        SELECT
            DATE '{first_day}' AS day,
            '<reason>' = '' AND staged.lines = CAST('<lines>' AS bigint) AS is_compared,
            staged.listed,
            staged.expected,
            coalesce(kept.listed, 0) AS listed_before,
            gaps.missing,
            gaps.partial,
            lake.unlisted,
            TRY(CAST(from_iso8601_timestamp('<watermark>') AT TIME ZONE 'UTC' AS timestamp(6))) AS watermark,
            TRY(CAST(from_iso8601_timestamp('<started>') AT TIME ZONE 'UTC' AS timestamp(6))) AS checked_at
        FROM (
            SELECT
                count(*) AS lines,
                count(DISTINCT json_extract_scalar(line, '$.conversation')) AS listed,
                count(DISTINCT CASE
                    WHEN json_extract_scalar(line, '$.ended') = 'true'
                        AND json_extract_scalar(line, '$.session') IS NOT NULL
                        THEN json_extract_scalar(line, '$.conversation')
                END) AS expected
            FROM expected_conversations
            WHERE day = '{first_day}' AND json_extract_scalar(line, '$.run') = '<run>'
        ) AS staged
        CROSS JOIN (
            SELECT max(listed) AS listed
            FROM completeness
            WHERE day BETWEEN DATE '{first_day}' AND DATE '{first_day}'
        ) AS kept
        CROSS JOIN (
            SELECT
                count(DISTINCT CASE WHEN kind = 'missing' THEN conversation_id END) AS missing,
                count(DISTINCT CASE WHEN kind = 'partial' THEN conversation_id END) AS partial
            FROM missing_conversations
            WHERE day BETWEEN DATE '{first_day}' AND DATE '{first_day}'
        ) AS gaps
        CROSS JOIN (
            -- Of those that began within the day, by the first of their events: around midnight another day may list them.
            SELECT count(*) AS unlisted
            FROM (
                SELECT conversation_id, min(event_time) AS began_at
                FROM events
                WHERE day BETWEEN DATE '{first_day}' - INTERVAL '30' DAY AND DATE '{first_day}'
                    AND kind IS NOT NULL
                    AND conversation_id IS NOT NULL
                GROUP BY conversation_id
            ) AS begun
            LEFT JOIN (
                SELECT DISTINCT json_extract_scalar(line, '$.conversation') AS conversation_id
                FROM expected_conversations
                WHERE day = '{first_day}' AND json_extract_scalar(line, '$.run') = '<run>'
            ) AS listed
                ON listed.conversation_id = begun.conversation_id
            WHERE begun.began_at BETWEEN TIMESTAMP '{first_day} 00:15:00' AND TIMESTAMP '{first_day} 23:45:00'
                AND listed.conversation_id IS NULL
        ) AS lake
    )
)
