-- What polls have whose voters write texts. Never edit this once it shipped.

-- In a table of its own, because what is replaced or deleted here is to be gone: the table is rewritten then
-- (texts.rs), which takes the longer the more is in it.
CREATE TABLE text_keys (poll uuid PRIMARY KEY, text_key bytea NOT NULL);
COMMENT ON TABLE text_keys IS
    'The key that opens what voters wrote in a poll. Whoever has it can read all of it; a deleted poll has none';

-- A row is here from the change that destroyed a key until the old key is in no file of `text_keys` any more.
CREATE TABLE destroyed_keys (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
COMMENT ON TABLE destroyed_keys IS 'A row for each text key that was destroyed and may be in the files yet';

CREATE TABLE names (
    poll      uuid    NOT NULL,
    partition integer NOT NULL,
    round     bigint  NOT NULL,
    slot      integer NOT NULL,
    name      bytea   NOT NULL,
    sealed    bytea   NOT NULL,
    PRIMARY KEY (poll, partition, round, slot)
);
COMMENT ON TABLE names IS
    'The words that a round counts in slots of their own: a keyed hash of each, and the one that came first, encrypted';
