-- Whose an alert is, and the tags that people give it.
ALTER TABLE alert_actions ADD COLUMN IF NOT EXISTS owner_id String;
ALTER TABLE alert_actions ADD COLUMN IF NOT EXISTS owner_name String;
ALTER TABLE alert_actions ADD COLUMN IF NOT EXISTS tags_added Array(String);
ALTER TABLE alert_actions ADD COLUMN IF NOT EXISTS tags_removed Array(String);
ALTER TABLE alert_actions ADD COLUMN IF NOT EXISTS tags Array(String); -- all of them, from here on

CREATE OR REPLACE VIEW v_alert_actions AS
SELECT *
FROM alert_actions FINAL
WHERE seq < (SELECT CAST((groupArray(toString(log)), groupArray(size)), 'Map(String, UInt64)') FROM heads FINAL)[toString(log)];
