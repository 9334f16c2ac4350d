-- The view `results` is of choices alone. Never edit this once it shipped.
--
-- Polls of other kinds may have options, too, but what is counted for each of them is not one number in its place.

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
