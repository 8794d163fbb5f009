-- Whether a text is a value of a type and loses nothing as one: 007 is no number.
CREATE OR REPLACE MACRO bare(v) AS trim(v, ' ' || chr(9) || chr(10) || chr(13) || chr(160));
CREATE OR REPLACE MACRO is_zoned(v) AS length(v) > 19 AND (
  v[-1] = 'Z' OR v[-3] IN ('+', '-') OR v[-5] IN ('+', '-') OR v[-6] IN ('+', '-'));
CREATE OR REPLACE MACRO is_bigint(v) AS CAST(TRY_CAST(v AS BIGINT) AS VARCHAR) = v;
CREATE OR REPLACE MACRO is_numeric(v) AS CAST(TRY_CAST(v AS HUGEINT) AS VARCHAR) = v;
CREATE OR REPLACE MACRO is_double(v) AS
  TRY_CAST(v AS DOUBLE) IS NOT NULL
  AND NOT regexp_matches(v, '^[+-]?0[0-9]') AND NOT contains(v, '_');
CREATE OR REPLACE MACRO is_boolean(v) AS lower(v) IN ('true', 'false');
CREATE OR REPLACE MACRO is_date(v) AS
  length(v) = 10 AND v[5] = '-' AND TRY_CAST(v AS DATE) IS NOT NULL;
CREATE OR REPLACE MACRO is_timestamp(v) AS
  v[5] = '-' AND NOT is_zoned(v) AND TRY_CAST(v AS TIMESTAMP) IS NOT NULL;
CREATE OR REPLACE MACRO is_timestamptz(v) AS
  v[5] = '-' AND is_zoned(v) AND TRY_CAST(v AS TIMESTAMPTZ) IS NOT NULL;
-- PostgreSQL takes a quote inside a value for the start of a quoted part.
CREATE OR REPLACE MACRO is_text(v) AS v IS NOT NULL AND NOT contains(v, '"');
