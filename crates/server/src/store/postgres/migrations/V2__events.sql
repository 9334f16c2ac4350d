-- Events: polls under one title and one code. Never edit this once it shipped.

CREATE TABLE events (
    id         uuid        PRIMARY KEY,
    code       text        NOT NULL,
    title      text        NOT NULL,
    accent     text,
    layout     text        NOT NULL,
    logo       text,
    logo_bytes bytea,
    current    uuid        REFERENCES polls,
    "order"    uuid[]      NOT NULL,
    embed      text[]      NOT NULL,
    revision   bigint      NOT NULL,
    created_at timestamptz NOT NULL,
    deleted_at timestamptz,
    owner      bytea       NOT NULL
);
COMMENT ON TABLE events IS 'One row an event, deleted ones too. Which polls are its own, `polls.event` says';
COMMENT ON COLUMN events.code IS 'Its join code; `codes` says where the code leads now';
COMMENT ON COLUMN events.accent IS '#RRGGBB';
COMMENT ON COLUMN events.layout IS 'How the stage draws the votes: bars or columns';
COMMENT ON COLUMN events.logo IS 'Names the bytes beside it';
COMMENT ON COLUMN events.current IS 'The poll on stage';
COMMENT ON COLUMN events."order" IS 'Sorts its polls; those not in it come last, by age';
COMMENT ON COLUMN events.embed IS 'Who may frame its overlay: origins, or *';
COMMENT ON COLUMN events.revision IS 'Raised by every change';
COMMENT ON COLUMN events.owner IS 'SHA-256 of the owner''s token; its polls have the same';

ALTER TABLE polls
    ADD event uuid REFERENCES events,
    ADD embed text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN polls.event IS 'The event it belongs to, whose code it then shows';
COMMENT ON COLUMN polls.embed IS 'Who may frame its pages: origins, or *';
CREATE INDEX polls_of_event ON polls (event, id) WHERE event IS NOT NULL;

ALTER TABLE codes
    ALTER poll DROP NOT NULL,
    ADD event uuid REFERENCES events,
    ADD CHECK (num_nonnulls(poll, event) = 1);

ALTER TABLE idempotency_keys
    ALTER poll DROP NOT NULL,
    ADD event uuid REFERENCES events,
    ADD CHECK (num_nonnulls(poll, event) = 1);
COMMENT ON TABLE idempotency_keys IS 'Which poll or event a creation made; a key is remembered for a day';

ALTER TABLE outbox
    ALTER poll DROP NOT NULL,
    ADD event uuid REFERENCES events,
    ADD CHECK (num_nonnulls(poll, event) = 1);
COMMENT ON TABLE outbox IS 'Changes of polls and events that are still to be told on the topic `polls`';
