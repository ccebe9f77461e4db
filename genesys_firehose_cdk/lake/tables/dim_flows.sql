-- Architect flows and from when to when each held.
SELECT
    id,
    name,
    json_extract_scalar(attributes, '$.divisionId') AS division_id,
    json_extract_scalar(attributes, '$.type') AS type,
    json_extract_scalar(attributes, '$.active') = 'true' AS active,
    json_extract_scalar(attributes, '$.deleted') = 'true' AS deleted,
    attributes,
    valid_from,
    valid_to,
    latest
FROM name_versions
WHERE kind = 'flow'
