-- What was counted, so that a recount can tell whether the log still holds it. Never edit this once it shipped.

-- The last row of a partition is updated with every commit: room on each page keeps the new version on
-- the page of the old.
CREATE TABLE digests (
    partition   integer NOT NULL,
    from_offset bigint  NOT NULL,
    to_offset   bigint  NOT NULL,
    hash        bytea   NOT NULL,
    PRIMARY KEY (partition, from_offset)
) WITH (fillfactor = 50);
COMMENT ON TABLE digests IS
    'What the records of the topic `votes` were when they were counted: a hash of those between two '
    'offsets (crates/core/src/digest.rs says of which bytes). What nodes counted that kept none has none';
COMMENT ON COLUMN digests.to_offset IS
    'The offset after its last record: of the last row the partition''s next offset, unless a node counted since that keeps none';
