-- One row a record, ordered for reading a session. `core` is what the log commits to; who, what and detail are the
-- openings of its commitments; the other columns are projected from them for searching.
CREATE TABLE IF NOT EXISTS events
(
    tenant      LowCardinality(String),
    session_id  String CODEC(ZSTD(1)),
    log         LowCardinality(String),
    seq         UInt64 CODEC(Delta, ZSTD(1)),
    version     UInt8, -- 0 as arrived; a higher one is an erasure and wins
    kind        LowCardinality(String),
    type        LowCardinality(String),
    event_id    String CODEC(ZSTD(1)),
    session_seq UInt32 CODEC(Delta, ZSTD(1)),
    time        DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    received_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    user_id     String CODEC(ZSTD(1)),
    user_role   LowCardinality(String),
    agent       LowCardinality(String),
    server      LowCardinality(String),
    tool        LowCardinality(String),
    call_id     String CODEC(ZSTD(1)),
    is_error    UInt8,
    reason      LowCardinality(String),
    core        String CODEC(ZSTD(1)),
    who         String CODEC(ZSTD(1)),
    what        String CODEC(ZSTD(1)),
    detail      String CODEC(ZSTD(1)),
    INDEX by_event_id event_id TYPE bloom_filter(0.005) GRANULARITY 1,
    INDEX by_seq seq TYPE minmax GRANULARITY 1,
    INDEX by_kind kind TYPE set(8) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant, session_id, log, seq)
SETTINGS index_granularity = 512, min_compress_block_size = 16384, max_compress_block_size = 131072,
         fsync_after_insert = 1, fsync_part_directory = 1;

-- Content has its own table and its own life. The salt goes with it: without the salt the commitments say nothing.
CREATE TABLE IF NOT EXISTS content
(
    tenant     LowCardinality(String),
    session_id String CODEC(ZSTD(1)),
    log        LowCardinality(String),
    seq        UInt64 CODEC(Delta, ZSTD(1)),
    version    UInt8,
    state      LowCardinality(String), -- 'kept', 'erased' or 'expired'
    params     String CODEC(ZSTD(3)),
    content    String CODEC(ZSTD(3)),
    salt       String CODEC(NONE),
    expires_at DateTime('UTC') DEFAULT toDateTime('2106-01-01 00:00:00', 'UTC') CODEC(ZSTD(1)),
    INDEX by_seq seq TYPE minmax GRANULARITY 1,
    INDEX words_content content TYPE text(tokenizer = 'splitByNonAlpha', preprocessor = lowerUTF8(content)),
    INDEX words_params params TYPE text(tokenizer = 'splitByNonAlpha', preprocessor = lowerUTF8(params))
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant, session_id, log, seq)
SETTINGS index_granularity = 512, min_compress_block_size = 16384, max_compress_block_size = 131072,
         fsync_after_insert = 1, fsync_part_directory = 1;

-- One row a session: the link that its next record needs, and the summary that lists show. The newest row wins.
CREATE TABLE IF NOT EXISTS sessions
(
    tenant         LowCardinality(String),
    session_id     String,
    log            LowCardinality(String),
    last_seq       UInt64,
    last_leaf      FixedString(32) CODEC(NONE),
    events         UInt32,
    calls          UInt32,
    errors         UInt32,
    prompts        UInt32,
    first_time     DateTime64(3, 'UTC'),
    last_time      DateTime64(3, 'UTC'),
    first_received DateTime64(3, 'UTC'),
    last_received  DateTime64(3, 'UTC'),
    session_source LowCardinality(String),
    user_id        String,
    user_role      LowCardinality(String),
    agent          LowCardinality(String),
    client         LowCardinality(String),
    servers        Array(LowCardinality(String)),
    tools          Array(LowCardinality(String))
)
ENGINE = ReplacingMergeTree(last_seq)
ORDER BY (tenant, session_id, log)
SETTINGS index_granularity = 256, fsync_after_insert = 1, fsync_part_directory = 1;

-- Alerts, projected from their own records in the log.
CREATE TABLE IF NOT EXISTS alerts
(
    tenant       LowCardinality(String),
    alert_id     String,
    log          LowCardinality(String),
    seq          UInt64,
    rule_id      LowCardinality(String),
    rule_version UInt32,
    severity     LowCardinality(String),
    risk         UInt8,
    title        String,
    reason       String,
    session_id   String,
    user_id      String,
    agent        LowCardinality(String),
    time         DateTime64(3, 'UTC'),
    raised_at    DateTime64(3, 'UTC'),
    tags         Array(LowCardinality(String)),
    evidence     String
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (tenant, alert_id)
SETTINGS index_granularity = 256, fsync_after_insert = 1, fsync_part_directory = 1;

-- Keys that open the API: never the key, only its digest.
CREATE TABLE IF NOT EXISTS access_keys
(
    key_id     String,
    version    UInt64,
    name       String,
    role       LowCardinality(String),
    tenant     String, -- '*' for all tenants
    sha256     FixedString(32),
    created_at DateTime64(3, 'UTC'),
    expires_at DateTime64(3, 'UTC'),
    revoked    UInt8
)
ENGINE = ReplacingMergeTree(version)
ORDER BY key_id
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
