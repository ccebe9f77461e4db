-- Wrap-up codes and from when to when each held.
SELECT
    id,
    name,
    json_extract_scalar(attributes, '$.divisionId') AS division_id,
    attributes,
    valid_from,
    valid_to,
    latest
FROM name_versions
WHERE kind = 'wrapup_code'
