-- Every event once, of the copies in clean/ and of what the table has of them already. Of the records of one received
-- copy the newest version of the transform counts. Of the copies of one event the bus ranks before the webhook, then the
-- newest version, then a copy that was checked, then the first received. A row whose copy a newer version files under
-- another identity is gone.
SELECT
    {columns},
    making > 1 AS gone
FROM (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY day, dedup_key
            ORDER BY
                CASE WHEN making = 1 THEN 0 ELSE 1 END,
                CASE WHEN ingress = 'eventbridge' THEN 0 ELSE 1 END,
                transform_version DESC,
                CASE WHEN deduplicated THEN 0 ELSE 1 END,
                received_at,
                ingest_id,
                kept
        ) AS place
    FROM (
        SELECT
            *,
            -- A rebuild can't tell, so what a record of an older version says of its copy goes on counting.
            max(CASE WHEN said_conflict THEN 1 ELSE 0 END) OVER (PARTITION BY day, ingest_id) = 1 AS conflict,
            max(CASE WHEN said_repeated THEN 1 ELSE 0 END) OVER (PARTITION BY day, ingest_id) = 1 AS repeated,
            dense_rank() OVER (
                PARTITION BY day, ingest_id
                ORDER BY transform_version DESC, CASE WHEN deduplicated THEN 0 ELSE 1 END
            ) AS making
        FROM (
            SELECT
                day,
                event_type,
                dedup_key,
                ingest_id,
                TRY(CAST(from_iso8601_timestamp(received_at) AT TIME ZONE 'UTC' AS timestamp(6))) AS received_at,
                ingress,
                TRY(CAST(from_iso8601_timestamp(event_time) AT TIME ZONE 'UTC' AS timestamp(6))) AS event_time,
                topic,
                nullif(regexp_extract(topic, '^v2[.]detail[.]events[.]conversation[.][^.]+[.](.+)$', 1), '') AS kind,
                coalesce(
                    json_extract_scalar(body, '$.conversationId'),
                    nullif(
                        regexp_extract(
                            topic,
                            '^v2[.](detail[.]events|analytics|conversations)[.]([a-z]+[.])?([0-9a-f]+-[0-9a-f-]+)',
                            3
                        ),
                        ''
                    )
                ) AS conversation_id,
                json_extract_scalar(body, '$.participantId') AS participant_id,
                json_extract_scalar(body, '$.sessionId') AS session_id,
                coalesce(json_extract_scalar(body, '$.queueId'), json_extract_scalar(body, '$.queue.id')) AS queue_id,
                coalesce(
                    json_extract_scalar(body, '$.userId'),
                    json_extract_scalar(body, '$.answeredUserId'),
                    json_extract_scalar(body, '$.agent.id'),
                    nullif(regexp_extract(topic, '^v2[.](users|detail[.]events[.]agent)[.]([^.]+)[.]', 2), '')
                ) AS user_id,
                upper(json_extract_scalar(body, '$.mediaType')) AS media_type,
                upper(json_extract_scalar(body, '$.messageType')) AS message_type,
                upper(json_extract_scalar(body, '$.direction')) AS direction,
                json_extract_scalar(body, '$.divisionId') AS division_id,
                json_extract_scalar(body, '$.flowId') AS flow_id,
                json_extract_scalar(body, '$.acdOutcome') AS acd_outcome,
                json_extract_scalar(body, '$.disconnectType') AS disconnect_type,
                coalesce(
                    json_extract_scalar(body, '$.wrapupCode'), json_extract_scalar(body, '$.dispositionCode')
                ) AS wrapup_code,
                -- From 0 to below 10^11, three years, whatever a sender writes. No exponent: 1e999999999 would be written out.
                nullif(least(
                    TRY_CAST(
                        regexp_extract(json_extract_scalar(body, '$.connectedDurationMs'), '^([0-9]+)([.][0-9]+)?$', 1) AS bigint
                    ),
                    100000000000
                ), 100000000000) AS connected_ms,
                nullif(least(
                    TRY_CAST(
                        regexp_extract(json_extract_scalar(body, '$.interactingDurationMs'), '^([0-9]+)([.][0-9]+)?$', 1) AS bigint
                    ),
                    100000000000
                ), 100000000000) AS interacting_ms,
                nullif(least(
                    TRY_CAST(
                        regexp_extract(json_extract_scalar(body, '$.heldDurationMs'), '^([0-9]+)([.][0-9]+)?$', 1) AS bigint
                    ),
                    100000000000
                ), 100000000000) AS held_ms,
                nullif(least(
                    TRY_CAST(
                        regexp_extract(json_extract_scalar(body, '$.alertingDurationMs'), '^([0-9]+)([.][0-9]+)?$', 1) AS bigint
                    ),
                    100000000000
                ), 100000000000) AS alerting_ms,
                nullif(least(
                    TRY_CAST(
                        regexp_extract(json_extract_scalar(body, '$.contactingDurationMs'), '^([0-9]+)([.][0-9]+)?$', 1) AS bigint
                    ),
                    100000000000
                ), 100000000000) AS contacting_ms,
                nullif(least(
                    TRY_CAST(
                        regexp_extract(json_extract_scalar(body, '$.dialingDurationMs'), '^([0-9]+)([.][0-9]+)?$', 1) AS bigint
                    ),
                    100000000000
                ), 100000000000) AS dialing_ms,
                nullif(least(
                    TRY_CAST(
                        regexp_extract(json_extract_scalar(body, '$.callbackDurationMs'), '^([0-9]+)([.][0-9]+)?$', 1) AS bigint
                    ),
                    100000000000
                ), 100000000000) AS callback_ms,
                nullif(least(
                    TRY_CAST(
                        regexp_extract(json_extract_scalar(body, '$.voicemailDurationMs'), '^([0-9]+)([.][0-9]+)?$', 1) AS bigint
                    ),
                    100000000000
                ), 100000000000) AS voicemail_ms,
                nullif(least(
                    TRY_CAST(
                        regexp_extract(json_extract_scalar(body, '$.wrapupDurationMs'), '^([0-9]+)([.][0-9]+)?$', 1) AS bigint
                    ),
                    100000000000
                ), 100000000000) AS wrapup_ms,
                upper(coalesce(
                    json_extract_scalar(body, '$.presenceDefinition.systemPresence'),
                    json_extract_scalar(body, '$.presence.presenceDefinition.systemPresence')
                )) AS presence,
                coalesce(
                    json_extract_scalar(body, '$.presenceDefinition.id'),
                    json_extract_scalar(body, '$.presence.presenceDefinition.id')
                ) AS presence_definition_id,
                CASE WHEN presence_at LIKE '20__-%' THEN
                    TRY(CAST(from_iso8601_timestamp(presence_at) AT TIME ZONE 'UTC' AS timestamp(6)))
                END AS presence_at,
                upper(json_extract_scalar(body, '$.routingStatus.status')) AS routing_status,
                CASE WHEN routing_status_at LIKE '20__-%' THEN
                    TRY(CAST(from_iso8601_timestamp(routing_status_at) AT TIME ZONE 'UTC' AS timestamp(6)))
                END AS routing_status_at,
                transform_version,
                deduplicated,
                said_conflict,
                said_repeated,
                schema_drift,
                event,
                CASE WHEN ingress = 'backfill' THEN event END AS details,
                0 AS kept
            FROM (
                SELECT
                    *,
                    coalesce(
                        json_extract_scalar(body, '$.modifiedDate'), json_extract_scalar(body, '$.presence.modifiedDate')
                    ) AS presence_at,
                    json_extract_scalar(body, '$.routingStatus.startTime') AS routing_status_at
                FROM (
                    SELECT
                        CAST("date" AS date) AS day,
                        event_type,
                        json_extract_scalar(line, '$.dedup_key') AS dedup_key,
                        json_extract_scalar(line, '$.ingest_id') AS ingest_id,
                        json_extract_scalar(line, '$.received_at') AS received_at,
                        json_extract_scalar(line, '$.ingress') AS ingress,
                        json_extract_scalar(line, '$.event_time') AS event_time,
                        json_extract_scalar(line, '$.topic') AS topic,
                        json_extract_scalar(line, '$.transform_version') AS transform_version,
                        json_extract_scalar(line, '$.deduplicated') IS NULL AS deduplicated,
                        json_extract_scalar(line, '$.conflict') IS NOT NULL AS said_conflict,
                        json_extract_scalar(line, '$.repeated') IS NOT NULL AS said_repeated,
                        json_format(json_extract(line, '$.schema_drift')) AS schema_drift,
                        json_format(json_extract(line, '$.event')) AS event,
                        -- A notification's body; a flat event is its own.
                        coalesce(json_extract(line, '$.event.eventBody'), json_extract(line, '$.event')) AS body
                    FROM clean
                    WHERE "date" BETWEEN '{first_day}' AND '{last_day}' AND event_type <> 'verification'
                )
            )
            WHERE dedup_key IS NOT NULL AND ingest_id IS NOT NULL
            UNION ALL
            SELECT
                {columns},
                1 AS kept
            FROM events
            WHERE day BETWEEN DATE '{first_day}' AND DATE '{last_day}'
        )
    )
)
WHERE place = 1
