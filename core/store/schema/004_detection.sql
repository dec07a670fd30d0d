-- What detection derives from the events: no leaves, and made again by a replay. Every key says what a row is about and
-- not when it was found, so that a row which is inserted twice merges away. Whatever of it came from content goes when
-- that content is erased.

-- The provenance graph: a value of an earlier result that arrives in a parameter of a call.
CREATE TABLE IF NOT EXISTS edges
(
    tenant             LowCardinality(String),
    session_id         String CODEC(ZSTD(1)),
    log                LowCardinality(String),
    to_seq             UInt64 CODEC(Delta, ZSTD(1)),
    from_seq           UInt64 CODEC(Delta, ZSTD(1)),
    path               String CODEC(ZSTD(1)),
    kind               LowCardinality(String),
    digest             String CODEC(ZSTD(1)),
    to_event_id        String CODEC(ZSTD(1)),
    to_server          LowCardinality(String),
    to_tool            LowCardinality(String),
    from_event_id      String CODEC(ZSTD(1)),
    from_server        LowCardinality(String),
    from_tool          LowCardinality(String),
    strength_permille  UInt32,
    destination        UInt8,
    preview            String CODEC(ZSTD(1)), -- secrets and accounts are masked before they come here
    sentence           String CODEC(ZSTD(1)),
    field              String CODEC(ZSTD(1)), -- of the result; empty in running text
    occurrence         LowCardinality(String),
    in_prompt          UInt8,
    encodings          Array(LowCardinality(String)),
    untrusted          UInt8,
    sensitivity        LowCardinality(String),
    memory_store       String CODEC(ZSTD(1)),
    chars              UInt32,
    source_permille    UInt32,
    parameter_permille UInt32,
    split_calls        UInt32, -- 0 where the value came in one piece
    split_chars        UInt32,
    split_permille     UInt32
)
ENGINE = ReplacingMergeTree
ORDER BY (tenant, session_id, log, to_seq, from_seq, path, kind, digest)
SETTINGS index_granularity = 512, fsync_after_insert = 1, fsync_part_directory = 1;

-- Findings that are no alerts.
CREATE TABLE IF NOT EXISTS signals
(
    tenant       LowCardinality(String),
    session_id   String CODEC(ZSTD(1)),
    finding_id   String CODEC(ZSTD(1)),
    version      UInt8, -- 0 as found; a higher one is an erasure and wins
    log          LowCardinality(String),
    seq          UInt64 CODEC(Delta, ZSTD(1)), -- of the last event that proves it
    rule_id      LowCardinality(String),
    rule_version UInt32,
    severity     LowCardinality(String),
    risk         UInt8,
    title        String CODEC(ZSTD(1)),
    reason       String CODEC(ZSTD(1)),
    user_id      String CODEC(ZSTD(1)),
    agent        LowCardinality(String),
    time         DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    tags         Array(LowCardinality(String)),
    evidence     String CODEC(ZSTD(1)),
    late         UInt8
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant, session_id, finding_id)
SETTINGS index_granularity = 512, fsync_after_insert = 1, fsync_part_directory = 1;

-- What correlators saw: from these rows a restart rebuilds their states.
CREATE TABLE IF NOT EXISTS observations
(
    tenant      LowCardinality(String),
    detector_id LowCardinality(String),
    key         String CODEC(ZSTD(1)),
    log         LowCardinality(String),
    seq         UInt64 CODEC(Delta, ZSTD(1)),
    part        UInt32, -- of several that one event gave for one key
    session_id  String CODEC(ZSTD(1)),
    user_id     String CODEC(ZSTD(1)),
    user_role   LowCardinality(String),
    agent       LowCardinality(String),
    event_id    String CODEC(ZSTD(1)),
    server      LowCardinality(String),
    tool        LowCardinality(String),
    time        DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    -- The order in which they were seen: the last event that had come by then, and the number since.
    seen_at     UInt64 CODEC(Delta, ZSTD(1)),
    nth         UInt32,
    body        String CODEC(ZSTD(1)),
    INDEX by_seq seq TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
ORDER BY (tenant, detector_id, key, log, seq, part)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1;

-- What stays of a session when its content is gone: its risk and which rules and kinds of edges led to it. The row that
-- was made last wins.
CREATE TABLE IF NOT EXISTS session_facts
(
    tenant      LowCardinality(String),
    session_id  String CODEC(ZSTD(1)),
    log         LowCardinality(String),
    through_seq UInt64, -- events below were looked at
    risk        UInt8,
    summary     String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(through_seq)
ORDER BY (tenant, session_id, log)
SETTINGS index_granularity = 512, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE OR REPLACE VIEW v_edges AS
SELECT *
FROM edges FINAL
WHERE to_seq < (SELECT CAST((groupArray(toString(log)), groupArray(size)), 'Map(String, UInt64)') FROM heads FINAL)[toString(log)];

CREATE OR REPLACE VIEW v_signals AS
SELECT *
FROM signals FINAL
WHERE seq < (SELECT CAST((groupArray(toString(log)), groupArray(size)), 'Map(String, UInt64)') FROM heads FINAL)[toString(log)];

CREATE OR REPLACE VIEW v_observations AS
SELECT *
FROM observations FINAL
WHERE seq < (SELECT CAST((groupArray(toString(log)), groupArray(size)), 'Map(String, UInt64)') FROM heads FINAL)[toString(log)];

CREATE OR REPLACE VIEW v_session_facts AS
SELECT *
FROM session_facts FINAL
WHERE through_seq <= (SELECT CAST((groupArray(toString(log)), groupArray(size)), 'Map(String, UInt64)') FROM heads FINAL)[toString(log)];
