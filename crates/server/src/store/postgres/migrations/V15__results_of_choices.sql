-- What organisers read tells the kinds of poll apart. Never edit this once it shipped.
--
-- Polls of other kinds may have options, too, but what is counted for each of them is not one number in its place, and
-- a ballot does not mark them. So `results` is of choices alone, and `decided_ballots` shows the other answers as well.

SET LOCAL lock_timeout = '2s';

CREATE OR REPLACE VIEW results AS
SELECT p.id AS poll, d.code, d.question, p.status, d.round, o.option::smallint AS option, o.text,
       (SELECT coalesce(sum(t.counts[o.option]), 0)::bigint FROM tallies t
        WHERE t.poll = p.id AND t.round >= d.round) AS votes
FROM polls p
CROSS JOIN LATERAL json_to_record(p.poll::json)
    AS d(code text, question text, kind text, round bigint, options text[])
CROSS JOIN LATERAL unnest(d.options) WITH ORDINALITY AS o(text, option)
WHERE d.kind IN ('single', 'multiple');
COMMENT ON VIEW results IS 'The result of each option of a choice';

CREATE OR REPLACE VIEW decided_ballots AS
SELECT b.partition, b.log_offset, d.code, d.question, b.poll,
       replace(b.voter::text, '-', '') AS voter, b.ballot,
       ARRAY(SELECT o.text FROM unnest(d.options) WITH ORDINALITY AS o(text, option)
             WHERE o.option = ANY (b.choice) ORDER BY o.option) AS choice,
       b.decided,
       CASE WHEN b.at BETWEEN 0 AND 253402300799999 THEN to_timestamp(b.at / 1000.0) END AS at,
       b.answer
FROM ballots b JOIN polls p ON p.id = b.poll
CROSS JOIN LATERAL json_to_record(p.poll::json) AS d(code text, question text, options text[]);
COMMENT ON VIEW decided_ballots IS
    'Ballots with their poll''s question and the texts they chose; `answer` is the answer in a poll of another kind';

COMMENT ON COLUMN polls.asks IS 'What a poll of another kind than a choice asks, as JSON';
