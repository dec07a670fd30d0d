-- What was done with alerts, projected from the records of the actions. Nothing is ever changed here: the present
-- status of an alert is that of the last row that has one.
CREATE TABLE IF NOT EXISTS alert_actions
(
    tenant       LowCardinality(String),
    alert_id     String,
    log          LowCardinality(String),
    seq          UInt64,
    action_id    String,
    type         LowCardinality(String),
    status       LowCardinality(String), -- from here on; '' where it stays what it was
    verdict      LowCardinality(String),
    duplicate_of String,
    note         String,
    actor        String,
    actor_name   String,
    acted_at     DateTime64(3, 'UTC'),
    scope        String, -- of a suppression
    reason       String,
    expires_at   DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY (tenant, alert_id, log, seq)
SETTINGS index_granularity = 256, fsync_after_insert = 1, fsync_part_directory = 1;

-- Findings that a suppression held back, projected from their records.
CREATE TABLE IF NOT EXISTS suppressed_findings
(
    tenant         LowCardinality(String),
    suppression_id String,
    log            LowCardinality(String),
    seq            UInt64,
    finding_id     String,
    severity       LowCardinality(String),
    session_id     String,
    suppressed_at  DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY (tenant, suppression_id, log, seq)
SETTINGS index_granularity = 256, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE OR REPLACE VIEW v_alert_actions AS
SELECT *
FROM alert_actions FINAL
WHERE seq < (SELECT CAST((groupArray(toString(log)), groupArray(size)), 'Map(String, UInt64)') FROM heads FINAL)[toString(log)];

CREATE OR REPLACE VIEW v_suppressed_findings AS
SELECT *
FROM suppressed_findings FINAL
WHERE seq < (SELECT CAST((groupArray(toString(log)), groupArray(size)), 'Map(String, UInt64)') FROM heads FINAL)[toString(log)];
