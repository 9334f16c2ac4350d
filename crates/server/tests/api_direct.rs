//! Votes pass no router on their way from a connection, and nobody may be able to tell: whatever is asked,
//! the answer is the one that the router would have led to.

#![allow(clippy::unwrap_used)]

mod api_support;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use api_support::{Ask, World};
use http::header::{CONNECTION, CONTENT_LENGTH, DATE, HOST};
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use pollux_server::api::server;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

/// The numbers are hidden, so that an answer does not say how many votes came before.
const POLL: &str = r#"{"question":"Which?","options":["JavaScript","Python"],
    "results":"hidden","voterIds":true}"#;
const BALLOT: &str = r#"{"option":"Python","voterId":"ada",
    "ballotId":"0198c0c6-5a00-7000-8000-000000000001"}"#;

/// An `Answer` has the status, the headers except those of the connection, and the body.
type Answer = (u16, BTreeMap<String, Vec<String>>, String);

fn comparable(status: u16, headers: &HeaderMap, body: &[u8]) -> Answer {
    let mut own: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (name, value) in headers {
        if ![CONNECTION, CONTENT_LENGTH, DATE].contains(name) {
            own.entry(name.to_string()).or_default().push(value.to_str().unwrap().to_owned());
        }
    }
    (status, own, String::from_utf8_lossy(body).into_owned())
}

async fn over_tcp(address: SocketAddr, ask: &Ask) -> Answer {
    let tcp = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(tcp)).await.unwrap();
    tokio::spawn(connection);
    let mut request: Request<_> = ask.request();
    request.headers_mut().insert(HOST, "localhost".parse().unwrap());
    let answer = sender.send_request(request).await.unwrap();
    let (head, body) = answer.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    comparable(head.status.as_u16(), &head.headers, &body)
}

#[tokio::test]
async fn a_vote_past_the_router_gets_the_answer_of_one_through_it() {
    let world = World::with(|config| {
        config.port = 0;
        config.api.per_voter = (1_000, 1_000);
        config.allowed_origins = vec!["https://slides.example".into()];
    })
    .await;
    let listeners = server::listen(&world.app.config).unwrap();
    let address = listeners[0].local_addr().unwrap();
    let stop = CancellationToken::new();
    tokio::spawn(server::serve(listeners, world.router.clone(), world.app.clone(), stop.clone()));
    let (id, _) = world.poll(POLL).await;
    let vote = format!("/api/polls/{id}/vote");
    let good = || Ask::post(&vote, BALLOT);

    for ask in [
        good(),
        Ask::post(format!("/polls/{id}/vote"), BALLOT),
        Ask::post(format!("{vote}?wait=counted"), BALLOT),
        Ask::post(format!("{vote}?wait=never"), BALLOT),
        good().header("origin", "https://slides.example"),
        good().header("origin", "https://other.example"),
        good().header("cookie", "pollux_voter=forged"),
        Ask::post(&vote, r#"{"option":"Cobol"}"#),
        Ask::post(&vote, r#"{"option":"Python","voterId":""}"#),
        Ask::post(&vote, "{"),
        Ask::post(&vote, ""),
        Ask::new("POST", &vote).body(BALLOT),
        Ask::new("POST", &vote).header("content-type", "text/plain").body(BALLOT),
        Ask::post(&vote, vec![b' '; 20_000]),
        Ask::post(format!("/api/polls/{}/vote", id.replacen('-', "%2D", 1)), BALLOT),
        Ask::post(format!("/api/polls/{}/vote", id.to_uppercase()), BALLOT),
        Ask::post("/api/polls/0198c0c6-5a00-7000-8000-00000000ffff/vote", BALLOT),
        Ask::post("/api/polls/123456/vote", BALLOT),
        Ask::post("/api/polls/nonsense/vote", BALLOT),
        Ask::post("/api/polls//vote", BALLOT),
        Ask::post(format!("{vote}/"), BALLOT),
        Ask::get(&vote),
        Ask::new("OPTIONS", &vote),
    ] {
        let through = world.call(ask.request()).await;
        let through = comparable(through.status.as_u16(), &through.headers, &through.body);
        assert_eq!(over_tcp(address, &ask).await, through, "{ask}");
    }
    let counted = world.app.metrics.render(&world.app.hub, &*world.app.log);
    assert!(
        counted.contains(
            r#"pollux_http_requests_total{route="/polls/{id}/vote",method="POST",status="202"}"#
        ),
        "{counted}"
    );
    stop.cancel();
}
