-- What was told to whom: a row for each message and subscription, in its newest version. Not part of the log: rows are
-- derived from records of the log, up to the cursor `delivered_through`, and then say what became of them.
CREATE TABLE IF NOT EXISTS deliveries
(
    tenant          LowCardinality(String), -- of the message
    subscription_id LowCardinality(String),
    message_id      String,
    version         UInt32,
    log             LowCardinality(String),
    seq             UInt64, -- of the record that it tells of
    session_id      String,
    source_id       String, -- alert_id, or event_id of the action
    type            LowCardinality(String),
    state           LowCardinality(String), -- waiting, sent, dead
    attempts        UInt32,
    status          UInt32, -- of the last answer; 0 when there was none
    error           String,
    created_at      DateTime64(3, 'UTC'),
    due_at          DateTime64(3, 'UTC'),
    updated_at      DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant, subscription_id, message_id)
TTL toDateTime(updated_at) + INTERVAL 180 DAY
SETTINGS index_granularity = 256, fsync_after_insert = 1, fsync_part_directory = 1;
