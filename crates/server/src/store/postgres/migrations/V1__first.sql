-- The store's tables. Offsets, rounds, phases and times on the log are any number a record can
-- hold, so they are bigint; a poll's own times are timestamptz. Never edit this once it shipped.

CREATE TABLE meta (
    name  text PRIMARY KEY,
    value text NOT NULL
);
COMMENT ON TABLE meta IS 'What the store was made for: the number of partitions, and the fingerprint of the secret';

CREATE TABLE polls (
    id            uuid        PRIMARY KEY,
    code          text        NOT NULL,
    question      text        NOT NULL,
    kind          text        NOT NULL,
    max_choices   smallint    NOT NULL,
    revote        text        NOT NULL,
    results       text        NOT NULL,
    revealed      boolean     NOT NULL,
    voter_ids     boolean     NOT NULL,
    listed        boolean     NOT NULL,
    status        text        NOT NULL,
    phase         bigint      NOT NULL,
    round         bigint      NOT NULL,
    revision      bigint      NOT NULL,
    created_at    timestamptz NOT NULL,
    closes_at     timestamptz,
    closed_at     timestamptz,
    owner         bytea       NOT NULL,
    settled_phase bigint      NOT NULL DEFAULT 0
);
COMMENT ON TABLE polls IS 'One row a poll, deleted ones too: a recount needs their rules';
COMMENT ON COLUMN polls.id IS 'UUIDv7: sorts by age';
COMMENT ON COLUMN polls.code IS 'The join code it was given; `codes` says where the code leads now';
COMMENT ON COLUMN polls.kind IS 'single or multiple';
COMMENT ON COLUMN polls.revote IS 'What a second ballot does: replace or refuse';
COMMENT ON COLUMN polls.results IS 'When the public sees numbers: live, afterVote or hidden';
COMMENT ON COLUMN polls.revealed IS 'Hidden results were shown';
COMMENT ON COLUMN polls.voter_ids IS 'A voterId in the body is taken';
COMMENT ON COLUMN polls.status IS 'draft, open, closed or deleted';
COMMENT ON COLUMN polls.phase IS 'Raised by open, close, reopen, reset and delete';
COMMENT ON COLUMN polls.round IS 'The round being counted; raised by reset';
COMMENT ON COLUMN polls.revision IS 'Raised by every change';
COMMENT ON COLUMN polls.owner IS 'SHA-256 of the owner''s token';
COMMENT ON COLUMN polls.settled_phase IS
    'The latest phase known to be committed by every partition; noted when somebody looks';
CREATE INDEX polls_public    ON polls (id) WHERE listed AND status IN ('open', 'closed');
CREATE INDEX polls_by_status ON polls (status, listed, id);
CREATE INDEX polls_closing   ON polls (closes_at, id) WHERE status = 'open';
CREATE INDEX polls_unsettled ON polls (id) WHERE settled_phase < phase;

CREATE TABLE options (
    poll   uuid     NOT NULL REFERENCES polls,
    option smallint NOT NULL,
    text   text     NOT NULL,
    PRIMARY KEY (poll, option)
);
COMMENT ON TABLE options IS 'A poll''s options, numbered from 1';

CREATE TABLE codes (
    code text PRIMARY KEY,
    poll uuid NOT NULL REFERENCES polls
);
COMMENT ON TABLE codes IS 'Where each join code leads';

CREATE TABLE idempotency_keys (
    key     text        PRIMARY KEY,
    request bytea       NOT NULL,
    poll    uuid        NOT NULL REFERENCES polls,
    at      timestamptz NOT NULL
);
COMMENT ON TABLE idempotency_keys IS 'Which poll a creation made; a key is remembered for a day';
COMMENT ON COLUMN idempotency_keys.request IS 'SHA-256 of the request';
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (at);

CREATE TABLE outbox (
    seq      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    poll     uuid   NOT NULL REFERENCES polls,
    revision bigint NOT NULL
);
COMMENT ON TABLE outbox IS 'Changes of polls that are still to be told on the topic `polls`';
COMMENT ON COLUMN outbox.seq IS 'In the order of the commits: changes of polls take turns';

-- Updated with every commit: room on each page keeps the new version on the page of the old.
CREATE TABLE offsets (
    partition   integer PRIMARY KEY,
    generation  uuid    NOT NULL,
    next_offset bigint  NOT NULL,
    announced   bigint  NOT NULL
) WITH (fillfactor = 10);
COMMENT ON TABLE offsets IS 'How far each partition of the topic `votes` is counted';
COMMENT ON COLUMN offsets.generation IS 'Which log the offsets belong to';
COMMENT ON COLUMN offsets.next_offset IS
    'The first offset not counted. Every commit moves it from the value it expects; if that '
    'fails, another worker has taken over and nothing of the commit stays';
COMMENT ON COLUMN offsets.announced IS 'Everything counted below this was announced';

CREATE TABLE tallies (
    poll        uuid     NOT NULL REFERENCES polls,
    partition   integer  NOT NULL,
    phase       bigint   NOT NULL,
    round       bigint   NOT NULL,
    gate        text     NOT NULL,
    counts      bigint[] NOT NULL,
    voters      bigint   NOT NULL,
    changes     bigint   NOT NULL,
    generation  uuid     NOT NULL,
    next_offset bigint   NOT NULL,
    PRIMARY KEY (poll, partition)
) WITH (fillfactor = 50);
COMMENT ON TABLE tallies IS 'A poll''s counts in each partition; its result is their sum';
COMMENT ON COLUMN tallies.phase IS 'The latest phase of the poll seen in this partition';
COMMENT ON COLUMN tallies.round IS 'The round counted; an earlier one than the poll''s does not count';
COMMENT ON COLUMN tallies.gate IS 'open, closed or deleted, as the partition has heard';
COMMENT ON COLUMN tallies.counts IS 'Votes for option 1, 2, …';
COMMENT ON COLUMN tallies.voters IS 'People counted';
COMMENT ON COLUMN tallies.changes IS 'Part of the version that viewers see';
COMMENT ON COLUMN tallies.next_offset IS 'The partition''s next offset in the commit that wrote this';
-- Not by next_offset: an update that moves no indexed column touches no index.
CREATE INDEX tallies_by_partition ON tallies (partition);

CREATE TABLE ballots (
    log_offset     bigint     NOT NULL,
    at             bigint     NOT NULL,
    round          bigint     NOT NULL,
    prev_offset    bigint,
    partition      integer    NOT NULL,
    poll           uuid       NOT NULL,
    voter          uuid       NOT NULL,
    ballot         uuid       NOT NULL,
    counted        uuid,
    seen           uuid,
    decided        text       NOT NULL,
    choice         smallint[] NOT NULL,
    counted_choice smallint[]
);
COMMENT ON TABLE ballots IS
    'Every ballot decided, appended in log order. `decided_ballots` shows it readably';
COMMENT ON COLUMN ballots.partition IS 'Where its record stands, with log_offset';
COMMENT ON COLUMN ballots.at IS 'When it was taken, in milliseconds since 1970';
COMMENT ON COLUMN ballots.voter IS 'A pseudonym, another one in every poll';
COMMENT ON COLUMN ballots.choice IS 'The options marked';
COMMENT ON COLUMN ballots.decided IS 'counted, superseded, refused or late';
COMMENT ON COLUMN ballots.prev_offset IS 'Where the same voter''s previous row in this poll stands';
COMMENT ON COLUMN ballots.round IS 'The voter''s state after it, with counted and seen';
COMMENT ON COLUMN ballots.counted IS
    'The voter''s ballot that counts: null this one, all zeros none, else that one';
COMMENT ON COLUMN ballots.counted_choice IS 'The choice of `counted`, if that is another';
COMMENT ON COLUMN ballots.seen IS
    'The voter''s greatest ballot decided: null this one, all zeros none, else that one';
-- Not unique, on purpose: a unique index would make a worker wait for the rows of another one that
-- was stopped halfway. The compare-and-set of `offsets` admits each offset once.
CREATE INDEX ballots_in_log_order ON ballots (partition, log_offset);
CREATE INDEX ballots_by_voter ON ballots (voter, log_offset);

CREATE TABLE dead_letters (
    partition  integer NOT NULL,
    log_offset bigint  NOT NULL,
    key        bytea   NOT NULL,
    value      bytea   NOT NULL,
    reason     text    NOT NULL,
    PRIMARY KEY (partition, log_offset)
);
COMMENT ON TABLE dead_letters IS 'Records that are nobody''s ballot';

CREATE VIEW decided_ballots AS
SELECT b.partition, b.log_offset, p.code, p.question, b.poll,
       replace(b.voter::text, '-', '') AS voter, b.ballot,
       ARRAY(SELECT o.text FROM options o
             WHERE o.poll = b.poll AND o.option = ANY (b.choice) ORDER BY o.option) AS choice,
       b.decided,
       CASE WHEN b.at BETWEEN 0 AND 253402300799999 THEN to_timestamp(b.at / 1000.0) END AS at
FROM ballots b JOIN polls p ON p.id = b.poll;
COMMENT ON VIEW decided_ballots IS 'Ballots with their poll''s question and the texts they chose';

CREATE VIEW results AS
SELECT p.id AS poll, p.code, p.question, p.status, p.round, o.option, o.text,
       coalesce(sum(t.counts[o.option]), 0)::bigint AS votes
FROM polls p
JOIN options o ON o.poll = p.id
LEFT JOIN tallies t ON t.poll = p.id AND t.round >= p.round
GROUP BY p.id, o.option, o.text;
COMMENT ON VIEW results IS 'Votes per option, over all partitions';
