-- Content takes less space, and its words are found through one index instead of two. Parts that are there already
-- change when they are merged; their index is built anew beside whatever else runs.
ALTER TABLE content MODIFY COLUMN salt CODEC(ZSTD(1));

-- One file for all columns of a part, however large: its blocks are a granule long and compress better, and the few
-- columns of a timeline lie side by side.
ALTER TABLE content MODIFY SETTING min_bytes_for_wide_part = 1000000000000, max_compress_block_size = 1048576;

ALTER TABLE content DROP INDEX IF EXISTS words_content SETTINGS alter_sync = 0;
ALTER TABLE content DROP INDEX IF EXISTS words_params SETTINGS alter_sync = 0;
ALTER TABLE content ADD INDEX IF NOT EXISTS words concat(content, ' ', params)
    TYPE text(tokenizer = 'splitByNonAlpha', preprocessor = lowerUTF8(concat(content, ' ', params)), posting_list_codec = 'bitpacking');
ALTER TABLE content MATERIALIZE INDEX words SETTINGS mutations_sync = 0;
