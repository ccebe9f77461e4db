-- Functions of Athena's dialect, Trino's, that DuckDB lacks or that answer otherwise there.
CREATE MACRO json_extract_scalar(text, path) AS TRY(
    CASE WHEN json_type(text, path) NOT IN ('OBJECT', 'ARRAY') THEN json_extract_string(text, path) END
);
CREATE MACRO json_format(value) AS CAST(value AS varchar);
CREATE MACRO from_iso8601_timestamp(text) AS CAST(text AS timestamptz);
CREATE MACRO approx_percentile(value, share) AS approx_quantile(value, share);
CREATE MACRO sequence(first, last, step) AS generate_series(first, last, step);
CREATE MACRO json_array_get(text, place) AS json_extract(text, '$[' || CAST(place AS varchar) || ']');
