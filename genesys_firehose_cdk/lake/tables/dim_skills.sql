-- Skills and from when to when each held.
SELECT
    id,
    name,
    json_extract_scalar(attributes, '$.state') AS state,
    attributes,
    valid_from,
    valid_to,
    latest
FROM name_versions
WHERE kind = 'skill'
