//! Nodes from before polls and events were documents: their statements, and how they read a row, as they were.

use std::time::{Duration, SystemTime};

use pollux_core::event::Event;
use pollux_core::id::{EventId, PollId, UnixMillis};
use pollux_core::kind::Kind;
use pollux_core::kind::choice::Choice;
use pollux_core::poll::Poll;
use pollux_server::config::PostgresConfig;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use super::client;

/// `Older` is a node of schema version 11, the last one before documents.
pub struct Older(Client);

const INSERT: &str = "WITH put AS (INSERT INTO polls (id, code, question, kind, max_choices, \
     revote, results, revealed, voter_ids, listed, status, phase, round, revision, created_at, \
     closes_at, closed_at, owner, event, embed, closes_after, missed_closes_at, asks, hidings, \
     turnout) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
     $20, $21, $22, $23, $24, $25, $26) RETURNING id, revision)";

const UPDATE: &str = "WITH put AS (UPDATE polls SET code = $2, question = $3, kind = $4, \
     max_choices = $5, revote = $6, results = $7, revealed = $8, voter_ids = $9, listed = $10, \
     status = $11, phase = $12, round = $13, revision = $14, created_at = $15, closes_at = $16, \
     closed_at = $17, owner = $18, event = $20, embed = $21, closes_after = $22, \
     missed_closes_at = $23, asks = $24, hidings = $25, turnout = $26 WHERE id = $1 \
     AND revision = $27 RETURNING id, revision)";

const AND_THE_REST: &str = ", gone AS (DELETE FROM options o USING put \
     WHERE o.poll = put.id AND o.option > cardinality($19::text[])), \
     kept AS (INSERT INTO options AS o SELECT put.id, q.n, q.text \
     FROM put, unnest($19::text[]) WITH ORDINALITY AS q(text, n) \
     ON CONFLICT (poll, option) DO UPDATE SET text = excluded.text WHERE o.text <> excluded.text) \
     INSERT INTO outbox (poll, revision) SELECT id, revision FROM put";

/// The statement of the release be99689, whose polls are choices without a `closesAfter`.
const UPDATE_OF_RELEASE: &str = "WITH put AS (UPDATE polls SET code = $2, question = $3, kind = $4, \
     max_choices = $5, revote = $6, results = $7, revealed = $8, voter_ids = $9, listed = $10, \
     status = $11, phase = $12, round = $13, revision = $14, created_at = $15, closes_at = $16, \
     closed_at = $17, owner = $18, event = $20, embed = $21 WHERE id = $1 AND revision = $22 \
     RETURNING id, revision)";

const POLL: &str = "SELECT p.id, p.code, p.question, p.kind, p.max_choices, p.revote, p.results, \
     p.revealed, p.voter_ids, p.listed, p.status, p.phase, p.round, p.revision, p.created_at, \
     p.closes_at, p.closed_at, p.owner, p.event, p.embed, p.closes_after, p.missed_closes_at, \
     p.asks, p.hidings, p.turnout, \
     ARRAY(SELECT o.text FROM options o WHERE o.poll = p.id ORDER BY o.option) AS options \
     FROM polls p WHERE p.id = $1";

const INSERT_EVENT: &str = "WITH put AS (INSERT INTO events (id, code, title, accent, layout, logo, \
     logo_bytes, current, \"order\", embed, revision, created_at, deleted_at, owner, hidings) VALUES \
     ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) RETURNING id, revision) \
     INSERT INTO outbox (event, revision) SELECT id, revision FROM put";

const UPDATE_EVENT: &str = "WITH put AS (UPDATE events SET code = $2, title = $3, accent = $4, \
     layout = $5, logo = $6, logo_bytes = CASE WHEN $6::text IS NOT NULL THEN \
     coalesce($7, logo_bytes) END, current = $8, \"order\" = $9, embed = $10, revision = $11, \
     created_at = $12, deleted_at = $13, owner = $14, hidings = $15 WHERE id = $1 AND revision = $16 \
     RETURNING id, revision) INSERT INTO outbox (event, revision) SELECT id, revision FROM put";

const EVENT: &str = "SELECT e.id, e.code, e.title, e.accent, e.layout, e.logo, e.current, \
     e.\"order\", e.embed, e.revision, e.created_at, e.deleted_at, e.owner, e.hidings \
     FROM events e WHERE e.id = $1";

impl Older {
    /// Connects to the database.
    pub async fn join(config: &PostgresConfig) -> Self {
        Self(client(config).await)
    }

    /// Writes a new poll, or one of the `expected` revision. Returns whether there was one.
    pub async fn put(&self, poll: &Poll, expected: Option<u64>) -> bool {
        let how = if expected.is_some() { UPDATE } else { INSERT };
        self.write(how, poll, expected, 26).await
    }

    /// Writes a poll of the `expected` revision as a node of the release be99689 does.
    pub async fn change_as_released(&self, poll: &Poll, expected: u64) -> bool {
        self.write(UPDATE_OF_RELEASE, poll, Some(expected), 21).await
    }

    async fn write(&self, how: &str, poll: &Poll, expected: Option<u64>, columns: usize) -> bool {
        let (options, most, asks) = match &poll.kind {
            Kind::Choice(choice) => (&*choice.options, i16::from(choice.max_choices), None),
            kind => (Default::default(), 1, Some(serde_json::to_string(kind).unwrap())),
        };
        let params: [Box<dyn ToSql + Sync + Send + '_>; 26] = [
            Box::new(poll.id.0),
            Box::new(&poll.code),
            Box::new(&poll.question),
            Box::new(poll.kind.word()),
            Box::new(most),
            Box::new(word(poll.revote)),
            Box::new(word(poll.results)),
            Box::new(poll.revealed),
            Box::new(poll.voter_ids),
            Box::new(poll.listed),
            Box::new(word(poll.status)),
            Box::new(i64::from(poll.phase)),
            Box::new(i64::from(poll.round)),
            Box::new(poll.revision as i64),
            Box::new(time(poll.created_at)),
            Box::new(poll.closes_at.map(time)),
            Box::new(poll.closed_at.map(time)),
            Box::new(&poll.owner[..]),
            Box::new(options),
            Box::new(poll.event.map(|event| event.0)),
            Box::new(&poll.embed),
            Box::new(poll.closes_after.map(i64::from)),
            Box::new(poll.missed_closes_at.map(time)),
            Box::new(asks),
            Box::new(i64::from(poll.hidings)),
            Box::new(word(poll.turnout)),
        ];
        let mut params: Vec<&(dyn ToSql + Sync)> =
            params[..columns].iter().map(|it| &**it as &(dyn ToSql + Sync)).collect();
        let expected = expected.map(|revision| revision as i64);
        params.extend(expected.iter().map(|it| it as &(dyn ToSql + Sync)));
        let rows = self.0.execute(&format!("{how}{AND_THE_REST}"), &params).await.unwrap();
        rows > 0
    }

    /// Reads a poll.
    pub async fn poll(&self, id: PollId) -> Poll {
        let row = self.0.query_one(POLL, &[&id.0]).await.unwrap();
        let kind = match row.get::<_, Option<String>>("asks") {
            Some(asks) => serde_json::from_str(&asks).unwrap(),
            None => Kind::Choice(Choice {
                options: row.get("options"),
                kind: from_word(&row, "kind"),
                max_choices: row.get::<_, i16>("max_choices").try_into().unwrap(),
            }),
        };
        Poll {
            id: PollId(row.get("id")),
            code: row.get("code"),
            question: row.get("question"),
            kind,
            revote: from_word(&row, "revote"),
            results: from_word(&row, "results"),
            turnout: from_word(&row, "turnout"),
            revealed: row.get("revealed"),
            voter_ids: row.get("voter_ids"),
            listed: row.get("listed"),
            status: from_word(&row, "status"),
            phase: small(&row, "phase"),
            round: small(&row, "round"),
            revision: row.get::<_, i64>("revision") as u64,
            hidings: small(&row, "hidings"),
            created_at: millis(row.get("created_at")),
            closes_at: row.get::<_, Option<SystemTime>>("closes_at").map(millis),
            closes_after: row
                .get::<_, Option<i64>>("closes_after")
                .map(|seconds| seconds.try_into().unwrap()),
            missed_closes_at: row.get::<_, Option<SystemTime>>("missed_closes_at").map(millis),
            closed_at: row.get::<_, Option<SystemTime>>("closed_at").map(millis),
            owner: row.get::<_, Vec<u8>>("owner").try_into().unwrap(),
            event: row.get::<_, Option<Uuid>>("event").map(EventId),
            embed: row.get("embed"),
            text_key: None,
        }
    }

    /// Writes a new event, or one of the `expected` revision. Returns whether there was one.
    pub async fn put_event(
        &self,
        event: &Event,
        expected: Option<u64>,
        logo: Option<&[u8]>,
    ) -> bool {
        let order: Vec<Uuid> = event.order.iter().map(|poll| poll.0).collect();
        let (layout, current) = (word(event.layout), event.current.map(|poll| poll.0));
        let (created, deleted) = (time(event.created_at), event.deleted_at.map(time));
        let (revision, hidings) = (event.revision as i64, i64::from(event.hidings));
        let owner = &event.owner[..];
        let mut params: Vec<&(dyn ToSql + Sync)> = vec![
            &event.id.0,
            &event.code,
            &event.title,
            &event.accent,
            &layout,
            &event.logo,
            &logo,
            &current,
            &order,
            &event.embed,
            &revision,
            &created,
            &deleted,
            &owner,
            &hidings,
        ];
        let expected = expected.map(|revision| revision as i64);
        let how = if expected.is_some() { UPDATE_EVENT } else { INSERT_EVENT };
        params.extend(expected.iter().map(|it| it as &(dyn ToSql + Sync)));
        self.0.execute(how, &params).await.unwrap() > 0
    }

    /// Reads an event.
    pub async fn event(&self, id: EventId) -> Event {
        let row = self.0.query_one(EVENT, &[&id.0]).await.unwrap();
        Event {
            id: EventId(row.get("id")),
            code: row.get("code"),
            title: row.get("title"),
            accent: row.get("accent"),
            layout: from_word(&row, "layout"),
            logo: row.get("logo"),
            current: row.get::<_, Option<Uuid>>("current").map(PollId),
            order: row.get::<_, Vec<Uuid>>("order").into_iter().map(PollId).collect(),
            embed: row.get("embed"),
            revision: row.get::<_, i64>("revision") as u64,
            created_at: millis(row.get("created_at")),
            deleted_at: row.get::<_, Option<SystemTime>>("deleted_at").map(millis),
            owner: row.get::<_, Vec<u8>>("owner").try_into().unwrap(),
            hidings: small(&row, "hidings"),
        }
    }
}

fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()
}

fn from_word<T: DeserializeOwned>(row: &Row, column: &str) -> T {
    serde_json::from_value(serde_json::Value::String(row.get(column))).unwrap()
}

fn small(row: &Row, column: &str) -> u32 {
    row.get::<_, i64>(column).try_into().unwrap()
}

fn time(at: UnixMillis) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(at.0)
}

fn millis(time: SystemTime) -> UnixMillis {
    UnixMillis(time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as u64)
}
