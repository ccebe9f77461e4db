-- The sessions that Genesys Cloud listed in the run and no event speaks of. A backfilled details record speaks of every
-- session whose id stands in it.
SELECT
    DATE '{first_day}' AS day,
    expected.conversation_id,
    expected.session_id,
    expected.media_type,
    expected.purpose,
    CASE WHEN count(seen.conversation_id) = 0 THEN 'missing' ELSE 'partial' END AS kind
FROM (
    SELECT
        json_extract_scalar(line, '$.conversation') AS conversation_id,
        json_extract_scalar(line, '$.session') AS session_id,
        upper(json_extract_scalar(line, '$.medium')) AS media_type,
        json_extract_scalar(line, '$.purpose') AS purpose
    FROM expected_conversations
    WHERE day = '{first_day}'
        AND json_extract_scalar(line, '$.run') = '<run>'
        AND json_extract_scalar(line, '$.ended') = 'true'
        AND json_extract_scalar(line, '$.session') IS NOT NULL
) AS expected
LEFT JOIN (
    SELECT DISTINCT
        conversation_id,
        session_id,
        CASE WHEN ingress = 'backfill' THEN event END AS details
    FROM events
    WHERE day BETWEEN DATE '{first_day}' AND DATE '{first_day}' + INTERVAL '4' DAY
) AS seen
    ON seen.conversation_id = expected.conversation_id
GROUP BY expected.conversation_id, expected.session_id, expected.media_type, expected.purpose
HAVING count(CASE
    WHEN seen.session_id = expected.session_id OR strpos(seen.details, expected.session_id) > 0 THEN 1
END) = 0
