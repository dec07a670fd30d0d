-- The log itself: leaf hashes in order, the head, inner nodes for proofs, and copies of signed checkpoints.
-- A row that is inserted twice merges away; a fork stays as two rows, since leaf_hash is part of the key.
CREATE TABLE IF NOT EXISTS leaves
(
    log       LowCardinality(String),
    seq       UInt64 CODEC(Delta, ZSTD(1)),
    leaf_hash FixedString(32) CODEC(NONE),
    offset    UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (log, seq, leaf_hash)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1;

-- Roots of complete subtrees of 256^n leaves, level 8, 16, 24 ...: derived from leaves, recomputed by verify.
CREATE TABLE IF NOT EXISTS nodes
(
    log   LowCardinality(String),
    level UInt8,
    idx   UInt64,
    hash  FixedString(32) CODEC(NONE)
)
ENGINE = ReplacingMergeTree
ORDER BY (log, level, idx, hash)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- The committed head of each log. Rows of other tables at or above `size` do not exist for readers.
CREATE TABLE IF NOT EXISTS heads
(
    log            LowCardinality(String),
    size           UInt64,
    root           FixedString(32),
    -- The compact range: roots of the complete subtrees that make up the log, largest first, 32 bytes each.
    range          String,
    received_at_ms UInt64
)
ENGINE = ReplacingMergeTree(size)
ORDER BY log
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS checkpoints
(
    log       LowCardinality(String),
    size      UInt64,
    root      FixedString(32),
    note      String,
    signed_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY (log, size, root)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- How far each reader of a log has come, such as detection.
CREATE TABLE IF NOT EXISTS cursors
(
    log  LowCardinality(String),
    name LowCardinality(String),
    seq  UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (log, name)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
