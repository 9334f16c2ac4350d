-- Polls of other kinds than a choice. Never edit this once it shipped.

ALTER TABLE polls ADD asks text;
COMMENT ON COLUMN polls.asks IS
    'What a poll of another kind than a choice asks, as JSON; it has no options then';
COMMENT ON COLUMN polls.kind IS 'single, multiple, or the word for another kind';

ALTER TABLE ballots
    ADD answer text,
    ADD counted_answer text;
COMMENT ON COLUMN ballots.answer IS
    'What it says, as JSON, in a poll of another kind than a choice; choice is empty then';
COMMENT ON COLUMN ballots.counted_answer IS 'The answer of `counted`, likewise, if that is another';
