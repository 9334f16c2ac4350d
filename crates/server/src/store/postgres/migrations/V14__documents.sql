-- A poll, and an event, is one document beside the columns that are queried. Never edit this once it shipped.
--
-- Nodes of before know the columns alone, and may run beside ours (docs/adr/0037). Whatever is called `older…`
-- below is for them: triggers keep document and columns in step, whichever of the two a node writes. All of it,
-- the columns that only they use, and the table `options` can go once no such node is left.

-- Changes of polls and events hold the first lock, so none of them is half-way. The second lets everybody read, and
-- workers commit tallies, while the documents are made.
SET LOCAL lock_timeout = '2s';
SELECT pg_advisory_xact_lock(1347180624);
LOCK TABLE polls, events IN SHARE ROW EXCLUSIVE MODE;

COMMENT ON TABLE polls IS
    'One row a poll, deleted ones too: a recount needs their rules. `poll` is the whole of it; id, status, listed, '
    'phase, revision, closes_at, closed_at and event are there to be queried, and the rest is for older nodes';
COMMENT ON COLUMN polls.poll IS 'The poll as JSON; null only within a statement of an older node';
COMMENT ON TABLE events IS
    'One row an event, deleted ones too. Which polls are its own, `polls.event` says. `event` is the whole of it; id, '
    'revision, current and deleted_at are there to be queried, and the rest, but for logo_bytes, is for older nodes';
COMMENT ON COLUMN events.event IS 'The event as JSON';
COMMENT ON COLUMN events.logo_bytes IS 'The logo, whose name is in `event`';
COMMENT ON TABLE options IS 'For older nodes: a poll''s options, numbered from 1';

-- From columns to documents.

CREATE FUNCTION older_millis(moment timestamptz) RETURNS bigint LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT round(extract(epoch FROM moment) * 1000)::bigint
$$;

CREATE FUNCTION older_bytes(hash bytea) RETURNS jsonb LANGUAGE sql IMMUTABLE SET search_path FROM CURRENT AS $$
    SELECT jsonb_agg(get_byte(hash, n) ORDER BY n) FROM generate_series(0, length(hash) - 1) AS n
$$;

CREATE FUNCTION older_poll(p polls) RETURNS text LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT (
        coalesce(p.asks::jsonb, jsonb_build_object(
            'options', ARRAY(SELECT o.text FROM options o WHERE o.poll = p.id ORDER BY o.option),
            'maxChoices', p.max_choices))
        || jsonb_build_object(
            'id', p.id, 'code', p.code, 'question', p.question, 'kind', p.kind, 'revote', p.revote,
            'results', p.results, 'turnout', p.turnout, 'revealed', p.revealed, 'voterIds', p.voter_ids,
            'listed', p.listed, 'status', p.status, 'phase', p.phase, 'round', p.round, 'revision', p.revision,
            'hidings', p.hidings, 'createdAt', older_millis(p.created_at), 'closesAt', older_millis(p.closes_at),
            'closesAfter', p.closes_after, 'missedClosesAt', older_millis(p.missed_closes_at),
            'closedAt', older_millis(p.closed_at), 'owner', older_bytes(p.owner), 'event', p.event,
            'embed', p.embed)
    )::text
$$;

CREATE FUNCTION older_event(e events) RETURNS text LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT jsonb_build_object(
        'id', e.id, 'code', e.code, 'title', e.title, 'accent', e.accent, 'layout', e.layout, 'logo', e.logo,
        'current', e.current, 'order', e."order", 'embed', e.embed, 'revision', e.revision,
        'createdAt', older_millis(e.created_at), 'deletedAt', older_millis(e.deleted_at),
        'owner', older_bytes(e.owner), 'hidings', e.hidings
    )::text
$$;

UPDATE polls p SET poll = older_poll(p);
UPDATE events e SET event = older_event(e);

-- From documents to columns.

-- In two steps, because an interval is multiplied as a floating-point number.
CREATE FUNCTION older_time(millis bigint) RETURNS timestamptz LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT timestamptz 'epoch' + millis / 1000 * interval '1 second' + millis % 1000 * interval '1 millisecond'
$$;

CREATE FUNCTION older_hash(bytes jsonb) RETURNS bytea LANGUAGE sql IMMUTABLE SET search_path FROM CURRENT AS $$
    SELECT decode(string_agg(lpad(to_hex(byte::integer), 2, '0'), '' ORDER BY n), 'hex')
    FROM jsonb_array_elements_text(bytes) WITH ORDINALITY AS b(byte, n)
$$;

CREATE FUNCTION older_texts(texts jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE SET search_path FROM CURRENT AS $$
    SELECT coalesce(array_agg(text ORDER BY n), '{}')
    FROM jsonb_array_elements_text(texts) WITH ORDINALITY AS t(text, n)
$$;

CREATE FUNCTION older_poll_columns() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    poll jsonb := NEW.poll::jsonb;
BEGIN
    NEW.code := poll ->> 'code';
    NEW.question := poll ->> 'question';
    NEW.kind := poll ->> 'kind';
    NEW.max_choices := coalesce((poll ->> 'maxChoices')::smallint, 1);
    -- An older node takes from it what the kind has, and nothing else.
    NEW.asks := CASE WHEN poll ->> 'kind' NOT IN ('single', 'multiple') THEN NEW.poll END;
    NEW.revote := poll ->> 'revote';
    NEW.results := poll ->> 'results';
    NEW.turnout := coalesce(poll ->> 'turnout', 'hidden');
    NEW.revealed := poll ->> 'revealed';
    NEW.voter_ids := poll ->> 'voterIds';
    NEW.round := poll ->> 'round';
    NEW.hidings := coalesce((poll ->> 'hidings')::bigint, 0);
    NEW.created_at := older_time((poll ->> 'createdAt')::bigint);
    NEW.closes_after := poll ->> 'closesAfter';
    NEW.missed_closes_at := older_time((poll ->> 'missedClosesAt')::bigint);
    NEW.owner := older_hash(poll -> 'owner');
    NEW.embed := older_texts(poll -> 'embed');
    RETURN NEW;
END
$$;

CREATE FUNCTION older_options() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    texts text[] := older_texts(NEW.poll::jsonb -> 'options');
BEGIN
    DELETE FROM options o WHERE o.poll = NEW.id AND o.option > cardinality(texts);
    INSERT INTO options AS o SELECT NEW.id, q.n, q.text FROM unnest(texts) WITH ORDINALITY AS q(text, n)
    ON CONFLICT (poll, option) DO UPDATE SET text = excluded.text WHERE o.text <> excluded.text;
    RETURN NULL;
END
$$;

CREATE FUNCTION older_poll_document() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE polls p SET poll = older_poll(p) WHERE p.id = NEW.id;
    RETURN NULL;
END
$$;

-- Our statements mention `poll`, and an older node's mention `question`. The options of an older node's statement
-- are there after it. The depth keeps these triggers from answering one another.
CREATE TRIGGER older_columns BEFORE INSERT OR UPDATE OF poll ON polls
    FOR EACH ROW WHEN (NEW.poll IS NOT NULL AND pg_trigger_depth() = 0) EXECUTE FUNCTION older_poll_columns();
CREATE TRIGGER older_options AFTER INSERT OR UPDATE OF poll ON polls
    FOR EACH ROW WHEN (NEW.poll IS NOT NULL AND pg_trigger_depth() = 0) EXECUTE FUNCTION older_options();
CREATE TRIGGER older_insert AFTER INSERT ON polls
    FOR EACH ROW WHEN (NEW.poll IS NULL) EXECUTE FUNCTION older_poll_document();
CREATE TRIGGER older_update AFTER UPDATE OF question ON polls
    FOR EACH ROW EXECUTE FUNCTION older_poll_document();

CREATE FUNCTION older_event_columns() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    event jsonb := NEW.event::jsonb;
BEGIN
    NEW.code := event ->> 'code';
    NEW.title := event ->> 'title';
    NEW.accent := event ->> 'accent';
    NEW.layout := event ->> 'layout';
    NEW.logo := event ->> 'logo';
    NEW."order" := older_texts(event -> 'order')::uuid[];
    NEW.embed := older_texts(event -> 'embed');
    NEW.created_at := older_time((event ->> 'createdAt')::bigint);
    NEW.owner := older_hash(event -> 'owner');
    NEW.hidings := coalesce((event ->> 'hidings')::bigint, 0);
    RETURN NEW;
END
$$;

CREATE FUNCTION older_event_document() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    NEW.event := older_event(NEW);
    RETURN NEW;
END
$$;

-- An event has no other table, so either goes into the row that is being written.
CREATE TRIGGER older_columns_inserted BEFORE INSERT ON events
    FOR EACH ROW WHEN (NEW.event IS NOT NULL) EXECUTE FUNCTION older_event_columns();
CREATE TRIGGER older_columns_updated BEFORE UPDATE OF event ON events
    FOR EACH ROW EXECUTE FUNCTION older_event_columns();
CREATE TRIGGER older_insert BEFORE INSERT ON events
    FOR EACH ROW WHEN (NEW.event IS NULL) EXECUTE FUNCTION older_event_document();
CREATE TRIGGER older_update BEFORE UPDATE OF title ON events
    FOR EACH ROW EXECUTE FUNCTION older_event_document();

-- What an organiser reads. A poll of another kind than a choice has no options.

CREATE OR REPLACE VIEW decided_ballots AS
SELECT b.partition, b.log_offset, d.code, d.question, b.poll,
       replace(b.voter::text, '-', '') AS voter, b.ballot,
       ARRAY(SELECT o.text FROM unnest(d.options) WITH ORDINALITY AS o(text, option)
             WHERE o.option = ANY (b.choice) ORDER BY o.option) AS choice,
       b.decided,
       CASE WHEN b.at BETWEEN 0 AND 253402300799999 THEN to_timestamp(b.at / 1000.0) END AS at
FROM ballots b JOIN polls p ON p.id = b.poll
CROSS JOIN LATERAL json_to_record(p.poll::json) AS d(code text, question text, options text[]);

CREATE OR REPLACE VIEW results AS
SELECT p.id AS poll, d.code, d.question, p.status, d.round, o.option::smallint AS option, o.text,
       (SELECT coalesce(sum(t.counts[o.option]), 0)::bigint FROM tallies t
        WHERE t.poll = p.id AND t.round >= d.round) AS votes
FROM polls p
CROSS JOIN LATERAL json_to_record(p.poll::json) AS d(code text, question text, round bigint, options text[])
CROSS JOIN LATERAL unnest(d.options) WITH ORDINALITY AS o(text, option);
