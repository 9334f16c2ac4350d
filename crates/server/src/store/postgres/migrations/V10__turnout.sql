-- Whether turnout shows while the numbers do not. Never edit this once it shipped.

-- Polls of before keep it hidden, as they were made.
ALTER TABLE polls ADD turnout text NOT NULL DEFAULT 'hidden';
COMMENT ON COLUMN polls.turnout IS
    'shown or hidden: whether everybody sees how many have voted while the numbers are not shown';
