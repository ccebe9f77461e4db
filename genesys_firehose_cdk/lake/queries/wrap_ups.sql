-- Wrap-up codes and dispositions per day of the last seven days, the most frequent first.
SELECT
    "date",
    coalesce(
        json_extract_scalar(event, '$.eventBody.wrapupCode'),
        json_extract_scalar(event, '$.dispositionCode')
    ) AS code,
    count(*) AS events
FROM events
WHERE "date" >= CAST(CAST(current_date - INTERVAL '7' DAY AS date) AS varchar)
    AND (
        json_extract_scalar(event, '$.eventBody.wrapupCode') IS NOT NULL
        OR json_extract_scalar(event, '$.dispositionCode') IS NOT NULL
    )
GROUP BY 1, 2
ORDER BY 1, 3 DESC, 2
