-- How often numbers, or drafts, were hidden again. Never edit this once it shipped.

ALTER TABLE polls ADD hidings bigint NOT NULL DEFAULT 0;
ALTER TABLE events ADD hidings bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN polls.hidings IS
    'How often somebody who saw the numbers no longer did: each raises the version above all before';
COMMENT ON COLUMN events.hidings IS 'Likewise, of the drafts';
