-- A voter's ballots past the first eight are found by indexes. Never edit this once it shipped.

-- Rows of before, and of nodes that do not number them yet, are taken for later ones.
ALTER TABLE ballots ADD nth smallint NOT NULL DEFAULT 9;
COMMENT ON COLUMN ballots.nth IS
    'Which of the voter''s rows in the poll it is: 1 to 8, and 9 for every later one';
COMMENT ON COLUMN ballots.prev_offset IS
    'Where the same voter''s previous row in this poll stands, or the eighth, if this is a later one';

-- Of expressions: the planner takes `ballots_by_voter` for as selective, and would read all of a
-- voter's rows.
CREATE INDEX later_ballots ON ballots ((uuid_send(voter) || uuid_send(ballot))) WHERE nth > 8;
CREATE INDEX later_counted ON ballots ((uuid_send(voter) || int8send(round)), log_offset)
    WHERE nth > 8 AND decided = 'counted';
