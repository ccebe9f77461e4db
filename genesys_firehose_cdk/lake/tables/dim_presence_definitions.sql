-- Presence definitions and from when to when each held.
SELECT
    id,
    name,
    json_extract_scalar(attributes, '$.divisionId') AS division_id,
    json_extract_scalar(attributes, '$.systemPresence') AS system_presence,
    json_extract_scalar(attributes, '$.deactivated') = 'true' AS deactivated,
    attributes,
    valid_from,
    valid_to,
    latest
FROM name_versions
WHERE kind = 'presence_definition'
