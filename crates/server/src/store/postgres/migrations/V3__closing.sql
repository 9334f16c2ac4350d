-- A poll's time counts from its opening on. Never edit this once it shipped.

ALTER TABLE polls
    ADD closes_after bigint,
    ADD missed_closes_at timestamptz;
COMMENT ON COLUMN polls.closes_after IS 'Seconds from each opening on; each sets closes_at';
COMMENT ON COLUMN polls.missed_closes_at IS 'The closing time that had passed when it was opened, and was dropped';
