-- What readers see: committed rows, once each, the highest version. A test forbids queries on `events` and `content`
-- anywhere else.
CREATE OR REPLACE VIEW v_events AS
SELECT *
FROM events FINAL
WHERE seq < (SELECT CAST((groupArray(toString(log)), groupArray(size)), 'Map(String, UInt64)') FROM heads FINAL)[toString(log)];

CREATE OR REPLACE VIEW v_content AS
SELECT *
FROM content FINAL
WHERE seq < (SELECT CAST((groupArray(toString(log)), groupArray(size)), 'Map(String, UInt64)') FROM heads FINAL)[toString(log)];

CREATE OR REPLACE VIEW v_alerts AS
SELECT *
FROM alerts FINAL
WHERE seq < (SELECT CAST((groupArray(toString(log)), groupArray(size)), 'Map(String, UInt64)') FROM heads FINAL)[toString(log)];
