//! Polls of other kinds than a choice are written, answered, shown and kept.

#![allow(clippy::unwrap_used)]

mod api_support;

use api_support::{Ask, World};
use serde_json::json;

const RATING: &str = r#"{"question":"How was it?","kind":"rating","statements":["The room","The talks"],
    "steps":4,"lowLabel":"poor","highLabel":"great","results":"hidden"}"#;

const RANKING: &str = r#"{"question":"What first?","kind":"ranking","options":["App","Site","Shop"],"places":2,
    "results":"hidden"}"#;
const POINTS: &str = r#"{"question":"How much for each?","kind":"points","options":["App","Site","Shop"],"budget":10,
    "results":"hidden"}"#;
const NUMBER: &str = r#"{"question":"How heavy?","kind":"number","min":-1,"max":2,"step":0.5,"unit":"kg",
    "solution":0.8125,"results":"hidden"}"#;

const WORDS: &str =
    r#"{"question":"What comes to mind?","kind":"words","maxWords":2,"results":"hidden"}"#;

fn vote(id: &str) -> String {
    format!("/api/polls/{id}/vote")
}

/// Plays a poll of hidden results: these voters answer, the results are revealed and the poll is closed. Returns what
/// was asked and answered, up to the exports.
async fn played<const N: usize>(poll: &str, ballots: [(&str, &str); N]) -> String {
    let world = World::new().await;
    let made = world.tell(Ask::post("/api/polls", poll)).await.json();
    let (id, token) = (made["id"].as_str().unwrap(), made["ownerToken"].as_str().unwrap());
    let path = format!("/api/polls/{id}");
    let own = |ask: Ask| world.tell(ask.token(token));
    world.settle().await;
    for (who, answer) in ballots {
        let body = format!(r#"{{"answer":{answer},"voterId":"{who}"}}"#);
        world.tell(Ask::post(vote(id), body)).await;
        world.settle().await;
    }
    world.tell(Ask::get(&path)).await;
    own(Ask::post(format!("{path}/reveal"), "")).await;
    own(Ask::post(format!("{path}/close"), "")).await;
    world.settle().await;
    world.tell(Ask::get(&path)).await;
    world.tell(Ask::get(format!("{path}/replay"))).await;
    own(Ask::get(format!("{path}/export"))).await;
    own(Ask::get(format!("{path}/export?format=json"))).await;
    world.transcript()
}

#[tokio::test(start_paused = true)]
async fn a_rating_from_the_first_ballot_to_the_result() {
    let ballots = [("ada", "[4,1]"), ("bob", "[3,null]"), ("ada", "[2,null]")];
    insta::assert_snapshot!(played(RATING, ballots).await);
}

#[tokio::test(start_paused = true)]
async fn a_ranking_from_the_first_ballot_to_the_result() {
    let ballots = [("ada", "[1,2]"), ("bob", "[3]"), ("ada", "[3,1]")];
    insta::assert_snapshot!(played(RANKING, ballots).await);
}

#[tokio::test(start_paused = true)]
async fn points_from_the_first_ballot_to_the_result() {
    let ballots = [("ada", "[10,0,0]"), ("bob", "[1,0,5]"), ("ada", "[3,0,7]")];
    insta::assert_snapshot!(played(POINTS, ballots).await);
}

#[tokio::test(start_paused = true)]
async fn a_number_from_the_first_ballot_to_the_result() {
    let ballots = [("ada", "-1"), ("bob", "0.5"), ("cy", "2.0"), ("ada", "1e0")];
    insta::assert_snapshot!(played(NUMBER, ballots).await);
}

#[tokio::test(start_paused = true)]
async fn words_from_the_first_ballot_to_the_result() {
    let ballots = [
        ("ada", r#"["Rust","fast builds"]"#),
        ("bob", r#"["RUST "]"#),
        ("cy", r#"["=1+1","  "]"#),
        ("cy", r#"["=1+1"]"#),
        ("ada", r#"["Fast  Builds","mud"]"#),
    ];
    insta::assert_snapshot!(played(WORDS, ballots).await);
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_words_is_said() {
    let world = World::new().await;
    for body in [
        r#"{"question":"?","kind":"words","maxWords":0}"#,
        r#"{"question":"?","kind":"words","maxWords":11,"approve":"no"}"#,
        r#"{"question":"?","kind":"words","maxWords":2.5,"options":["a","b"]}"#,
        r#"{"question":"?","options":["a","b"],"approve":true}"#,
        r#"{"question":"?","maxWords":2}"#,
    ] {
        world.tell(Ask::post("/api/polls", body)).await;
    }
    let (id, _) = world.poll(WORDS).await;
    world.settle().await;
    let long = "x".repeat(41);
    for body in [
        r#"{"option":"Rust"}"#.to_owned(),
        r#"{"answer":["a"],"optionId":1}"#.into(),
        r#"{"answer":[]}"#.into(),
        r#"{"answer":["a","b","c"]}"#.into(),
        r#"{"answer":["a"," \u200b "]}"#.into(),
        r#"{"answer":["a\u0000b"]}"#.into(),
        format!(r#"{{"answer":["a","{long}"]}}"#),
        format!(r#"{{"answer":["{}"]}}"#, "👩‍👩‍👧‍👦".repeat(7)),
        r#"{"answer":[1]}"#.into(),
        r#"{"answer":"Rust"}"#.into(),
        r#"{"answer":{"a":1}}"#.into(),
        r#"{"answer":null}"#.into(),
    ] {
        world.tell(Ask::post(vote(&id), body)).await;
    }
    insta::assert_snapshot!(world.transcript());
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_a_rating_or_an_answer_is_said() {
    let world = World::new().await;
    for body in [
        r#"{"question":"?","kind":"rating"}"#,
        r#"{"question":"?","kind":"rating","statements":["a"],"options":["a","b"]}"#,
        r#"{"question":"?","statements":["a"," a",""],"steps":1,"lowest":2,"lowLabel":7,"symbol":"hearts"}"#,
        r#"{"question":"?","statements":["a"],"steps":11,"symbol":"stars"}"#,
        r#"{"question":"?","kind":"single","statements":["a"],"options":["a","b"]}"#,
        r#"{"question":"?","kind":"rating","statements":null}"#,
    ] {
        world.tell(Ask::post("/api/polls", body)).await;
    }
    let (id, _) = world.poll(RATING).await;
    world.settle().await;
    for body in [
        r#"{"option":"The room"}"#,
        r#"{"answer":[1,2],"optionId":1}"#,
        r#"{"answer":[1]}"#,
        r#"{"answer":[null,null]}"#,
        r#"{"answer":[5,0]}"#,
        r#"{"answer":[1.5,"2"]}"#,
        r#"{"answer":{"1":2}}"#,
        r#"{"answer":null}"#,
    ] {
        world.tell(Ask::post(vote(&id), body)).await;
    }
    let (choice, _) = world.poll(r#"{"question":"Which?","options":["a","b"]}"#).await;
    world.settle().await;
    for body in [r#"{"answer":[3]}"#, r#"{"answer":[1,2]}"#, r#"{"answer":2}"#, r#"{"answer":[]}"#]
    {
        world.tell(Ask::post(vote(&choice), body)).await;
    }
    world.tell(Ask::post(vote(&choice), r#"{"answer":[2]}"#)).await;
    insta::assert_snapshot!(world.transcript());
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_a_ranking_or_an_order_is_said() {
    let world = World::new().await;
    for body in [
        r#"{"question":"?","kind":"ranking"}"#,
        r#"{"question":"?","kind":"ranking","options":["a","b"],"places":3,"steps":5}"#,
        r#"{"question":"?","kind":"ranking","options":["a"," a",""],"places":0}"#,
        r#"{"question":"?","kind":"ranking","options":null,"places":"all"}"#,
        r#"{"question":"?","options":["a","b"],"places":2}"#,
        r#"{"question":"?","kind":"rank","options":["a","b"]}"#,
    ] {
        world.tell(Ask::post("/api/polls", body)).await;
    }
    let (id, _) = world.poll(RANKING).await;
    world.settle().await;
    for body in [
        r#"{"optionId":1}"#,
        r#"{"answer":[1,2],"optionIds":[1,2]}"#,
        r#"{"answer":[]}"#,
        r#"{"answer":[1,2,3]}"#,
        r#"{"answer":[4]}"#,
        r#"{"answer":[1,0]}"#,
        r#"{"answer":[2,2]}"#,
        r#"{"answer":[1.5]}"#,
        r#"{"answer":["App"]}"#,
        r#"{"answer":{"1":2}}"#,
    ] {
        world.tell(Ask::post(vote(&id), body)).await;
    }
    insta::assert_snapshot!(world.transcript());
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_points_is_said() {
    let world = World::new().await;
    for body in [
        r#"{"question":"?","kind":"points","budget":10}"#,
        r#"{"question":"?","kind":"points","options":["a","b"],"budget":1001}"#,
        r#"{"question":"?","kind":"points","options":["a"],"budget":0}"#,
        r#"{"question":"?","kind":"points","options":["a","b"],"budget":2.5,"places":1}"#,
        r#"{"question":"?","options":["a","b"],"budget":10}"#,
    ] {
        world.tell(Ask::post("/api/polls", body)).await;
    }
    let (id, _) = world.poll(POINTS).await;
    world.settle().await;
    for body in [
        r#"{"option":"App"}"#,
        r#"{"answer":[1,2,3],"optionId":1}"#,
        r#"{"answer":[1,2]}"#,
        r#"{"answer":[0,0,0]}"#,
        r#"{"answer":[5,0,6]}"#,
        r#"{"answer":[11,0,0]}"#,
        r#"{"answer":[18446744073709551615,18446744073709551615,2]}"#,
        r#"{"answer":[-1,5,5]}"#,
        r#"{"answer":[0.5,5,4]}"#,
        r#"{"answer":[null,5,4]}"#,
        r#"{"answer":10}"#,
    ] {
        world.tell(Ask::post(vote(&id), body)).await;
    }
    insta::assert_snapshot!(world.transcript());
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_a_number_is_said() {
    let world = World::new().await;
    for body in [
        r#"{"question":"?","kind":"number","min":100}"#,
        r#"{"question":"?","kind":"number","min":0.1,"max":1,"step":0.2}"#,
        r#"{"question":"?","kind":"number","step":0.01}"#,
        r#"{"question":"?","kind":"number","min":1.0000001,"max":1e10,"step":"1","unit":7,"solution":[4]}"#,
        r#"{"question":"?","kind":"number","step":0,"unit":"metres of water column","options":["a","b"]}"#,
        r#"{"question":"?","max":10}"#,
        r#"{"question":"?","options":["a","b"],"solution":1}"#,
    ] {
        world.tell(Ask::post("/api/polls", body)).await;
    }
    let (id, _) = world.poll(NUMBER).await;
    world.settle().await;
    for body in [
        r#"{"optionId":1}"#,
        r#"{"answer":1,"optionId":1}"#,
        r#"{"answer":0.3}"#,
        r#"{"answer":0.50000001}"#,
        r#"{"answer":2.5}"#,
        r#"{"answer":-1e99}"#,
        r#"{"answer":"1"}"#,
        r#"{"answer":[1]}"#,
        r#"{"answer":null}"#,
    ] {
        world.tell(Ask::post(vote(&id), body)).await;
    }
    insta::assert_snapshot!(world.transcript());
}

/// The right answer is told to everybody who sees the numbers, but not before the poll is closed, and no longer once it
/// is open again.
#[tokio::test(start_paused = true)]
async fn the_right_answer_is_told_after_the_close() {
    let world = World::new().await;
    for (results, revealed) in [
        ("live", false),
        ("afterVote", false),
        ("afterVote", true),
        ("hidden", false),
        ("hidden", true),
    ] {
        let (id, token) = world.poll(&NUMBER.replace("hidden", results)).await;
        let path = format!("/api/polls/{id}");
        let own = |ask: Ask| world.call(ask.token(&token).request());
        let change = |what: &str| own(Ask::post(format!("{path}/{what}"), ""));
        world.settle().await;
        let cast = world.call(Ask::post(vote(&id), r#"{"answer":1}"#).request()).await;
        let cookie = cast.cookie().unwrap();
        world.settle().await;
        if revealed {
            change("reveal").await;
        }
        let sees = |audience: &str| match results {
            _ if audience == "owner" || revealed => true,
            "live" => true,
            "afterVote" => audience == "voter",
            _ => false,
        };
        for step in ["open", "close", "reopen", "close"] {
            if step != "open" {
                assert_eq!(change(step).await.status, 200);
                world.settle().await;
            }
            for audience in ["public", "voter", "owner"] {
                let ask = Ask::get(&path);
                let ask = match audience {
                    "owner" => ask.token(&token),
                    "voter" => ask.header("cookie", &cookie),
                    _ => ask,
                };
                let view = world.call(ask.request()).await.json();
                let told = audience == "owner" || (step == "close" && sees(audience));
                let what = format!("{results}, {step}, {audience}: {view}");
                assert_eq!(view["solution"], json!(told.then_some(0.8125)), "{what}");
                let nearest = told.then(|| json!({ "values": [1], "people": 1 }));
                assert_eq!(view["nearest"], json!(nearest), "{what}");
                assert_eq!(view["votes"], json!(sees(audience).then_some(1)), "{what}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_draft_may_become_another_kind_of_poll() {
    let world = World::new().await;
    let draft = r#"{"question":"Which?","options":["a","b","c"],"maxChoices":2,"open":false}"#;
    let (id, token) = world.poll(draft).await;
    let path = format!("/api/polls/{id}");
    let edit = |body: &'static str| {
        world.call(Ask::new("PATCH", &path).json(body).token(&token).request())
    };
    let refused = edit(r#"{"kind":"rating"}"#).await;
    assert_eq!(refused.json()["errors"][0]["pointer"], "/statements", "{refused}");
    let refused = edit(r#"{"steps":3}"#).await;
    assert_eq!(refused.json()["errors"][0]["pointer"], "/steps", "{refused}");
    let rating = edit(r#"{"kind":"rating","statements":["x","y"],"steps":11}"#).await.json();
    assert_eq!(
        (&rating["kind"], &rating["lowest"], &rating["symbol"], &rating["options"]),
        (&json!("rating"), &json!(0), &json!("numbers"), &json!(null))
    );
    let rating = edit(r#"{"steps":5,"highLabel":"yes"}"#).await.json();
    assert_eq!(
        (&rating["lowest"], &rating["symbol"], &rating["highLabel"]),
        (&json!(1), &json!("stars"), &json!("yes")),
        "what nobody chose follows from the scale"
    );
    let ranking = edit(r#"{"kind":"ranking","options":["x","y","z"]}"#).await.json();
    assert_eq!((&ranking["kind"], &ranking["places"]), (&json!("ranking"), &json!(3)));
    let ranking = edit(r#"{"options":["x","y"]}"#).await.json();
    assert_eq!(ranking["places"], 2, "one for each option, since nobody has chosen");
    let refused = edit(r#"{"budget":10}"#).await;
    assert_eq!(refused.json()["errors"][0]["pointer"], "/budget", "{refused}");
    let points = edit(r#"{"kind":"points","budget":10}"#).await.json();
    assert_eq!((&points["kind"], &points["budget"]), (&json!("points"), &json!(10)));
    assert_eq!(points["options"][1]["text"], "y", "options stay where both kinds have some");
    let points = edit(r#"{"budget":null}"#).await.json();
    assert_eq!(
        (&points["kind"], &points["budget"], &points["places"]),
        (&json!("points"), &json!(100), &json!(null))
    );
    let refused = edit(r#"{"maxChoices":2}"#).await;
    let detail = refused.json()["errors"][0]["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("polls of the kind multiple"), "{detail}");
    let choice = edit(r#"{"kind":"multiple"}"#).await.json();
    assert_eq!((&choice["kind"], &choice["maxChoices"]), (&json!("multiple"), &json!(2)));
    assert_eq!(choice["options"][1]["text"], "y");
    let ranking = edit(r#"{"kind":"ranking","places":1}"#).await.json();
    assert_eq!((&ranking["places"], &ranking["options"][0]["text"]), (&json!(1), &json!("x")));
    let rating = edit(r#"{"statements":["w"]}"#).await.json();
    assert_eq!(rating["kind"], "rating", "only a rating has statements");
    let number = edit(r#"{"kind":"number","max":10,"step":2.5,"solution":4}"#).await.json();
    assert_eq!(
        (&number["kind"], &number["min"], &number["max"], &number["solution"]),
        (&json!("number"), &json!(0), &json!(10), &json!(4))
    );
    let number = edit(r#"{"solution":null,"max":null,"unit":"kg"}"#).await.json();
    assert_eq!(
        (&number["solution"], &number["max"], &number["step"], &number["unit"]),
        (&json!(null), &json!(100), &json!(2.5), &json!("kg"))
    );
    let refused = edit(r#"{"options":["a","b"]}"#).await;
    assert_eq!(refused.json()["errors"][0]["pointer"], "/options", "{refused}");
    let words = edit(r#"{"kind":"words","approve":true}"#).await.json();
    assert_eq!(
        (&words["kind"], &words["maxWords"], &words["approve"], &words["words"]),
        (&json!("words"), &json!(3), &json!(true), &json!([]))
    );
    let words = edit(r#"{"maxWords":1,"approve":null}"#).await.json();
    assert_eq!((&words["maxWords"], &words["approve"]), (&json!(1), &json!(false)));
    let choice = edit(r#"{"kind":"multiple","options":["a","b"]}"#).await.json();
    assert_eq!((&choice["kind"], &choice["maxChoices"]), (&json!("multiple"), &json!(2)));
    assert_eq!(choice["statements"], json!(null));
}

/// Whatever is asked, the public reads no number of a hidden poll except how many have voted.
#[tokio::test(start_paused = true)]
async fn hidden_numbers_are_absent_in_every_kind() {
    let world = World::new().await;
    for (poll, answer) in [
        (RATING, "[4,1]"),
        (RANKING, "[3,1]"),
        (POINTS, "[4,0,6]"),
        (NUMBER, "0.5"),
        (WORDS, r#"["mud"]"#),
        (r#"{"question":"Which?","options":["a","b"],"results":"hidden"}"#, "[2]"),
    ] {
        let (id, token) = world.poll(poll).await;
        world.settle().await;
        world.call(Ask::post(vote(&id), format!(r#"{{"answer":{answer}}}"#)).request()).await;
        world.settle().await;
        let read = |ask: Ask| world.call(ask.request());
        let path = format!("/api/polls/{id}");
        let numbers = |view: &serde_json::Value| {
            let list = if view["kind"] == "rating" { "statements" } else { "options" };
            // A number has its figures beside its bounds.
            let items = view[list].as_array().cloned().unwrap_or_else(|| vec![view.clone()]);
            let names = ["votes", "mean", "median", "spread", "points", "first", "people"];
            let of_words = ["words", "moreWords", "otherVotes", "unshownVotes"];
            [&names[..], &["solution", "nearest"], &of_words]
                .concat()
                .iter()
                .flat_map(|name| items.iter().map(move |item| item[*name].clone()))
                .filter(|value| !value.is_null())
                .count()
        };
        let (public, owner) =
            (read(Ask::get(&path)).await.json(), read(Ask::get(&path).token(&token)).await.json());
        assert_eq!((numbers(&public), &public["totalVotes"]), (0, &json!(null)), "{public}");
        assert_eq!(public["totalVoters"], 1, "{public}");
        assert!(numbers(&owner) > 0 && owner["totalVoters"] == 1, "{owner}");
    }
}

/// Whether turnout is shown is written with a poll of any kind, and fixed when the poll opens.
#[tokio::test(start_paused = true)]
async fn turnout_is_the_organisers_choice() {
    let world = World::new().await;
    for asks in [
        r#""options":["a","b"]"#,
        r#""statements":["x"],"steps":4"#,
        r#""kind":"ranking","options":["a","b"]"#,
        r#""kind":"points","options":["a","b"]"#,
        r#""kind":"number","solution":5"#,
        r#""kind":"words","approve":true"#,
    ] {
        let made = |rest: &str| {
            let body = format!(r#"{{"question":"?","results":"hidden",{asks}{rest}}}"#);
            world.call(Ask::post("/api/polls", body).request())
        };
        assert_eq!(made("").await.json()["turnout"], "shown", "unless the organiser hides it");
        for wrong in [r#","turnout":"partly""#, r#","turnout":true"#] {
            let refused = made(wrong).await;
            assert_eq!(refused.json()["errors"][0]["pointer"], "/turnout", "{refused}");
        }
        let draft = made(r#","turnout":"hidden","open":false"#).await.json();
        let path = format!("/api/polls/{}", draft["id"].as_str().unwrap());
        let token = draft["ownerToken"].as_str().unwrap();
        let own = |ask: Ask| world.call(ask.token(token).request());
        let edit = |body: &'static str| own(Ask::new("PATCH", &path).json(body));
        for (patch, turnout) in [
            (r#"{"question":"Which?"}"#, "hidden"),
            (r#"{"turnout":"shown"}"#, "shown"),
            (r#"{"turnout":"hidden"}"#, "hidden"),
            (r#"{"turnout":null}"#, "shown"),
            (r#"{"turnout":"hidden"}"#, "hidden"),
        ] {
            assert_eq!(edit(patch).await.json()["turnout"], turnout, "{patch}");
        }
        own(Ask::post(format!("{path}/open"), "")).await;
        assert_eq!(edit(r#"{"turnout":"shown"}"#).await.status, 409, "who has voted was told so");
        let read = world.call(Ask::get(&path).request()).await.json();
        assert_eq!((&read["turnout"], &read["totalVoters"]), (&json!("hidden"), &json!(null)));
        assert_eq!(own(Ask::get(&path)).await.json()["totalVoters"], 0, "the owner sees it");
    }
}

/// Returns the script of a ballot paper that the page of this path asks a browser to fetch along with it, at an
/// address that has made nothing; empty if there is none.
async fn sent_along(world: &World, path: &str) -> String {
    let page = Ask::get(path).header("accept", "text/html").header("x-forwarded-for", PHONE);
    let page = String::from_utf8(world.call(page.request()).await.body).unwrap();
    let mut links = page.split(r#"<link rel="modulepreload" crossorigin href=""#).skip(1);
    let script = links.find(|link| link.starts_with("/assets/ballot-"));
    script.map_or_else(String::new, |link| link.split('"').next().unwrap_or_default().to_owned())
}
const PHONE: &str = "203.0.113.7";

#[tokio::test(start_paused = true)]
async fn the_page_of_a_poll_brings_its_ballot_paper_along_and_gives_no_code_away() {
    let world =
        World::with(|config| config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()]).await;
    let made = |body: &'static str| world.call(Ask::post("/api/polls", body).request());
    let rating = made(r#"{"question":"?","statements":["a"]}"#).await.json();
    let choice = made(r#"{"question":"?","options":["a","b"]}"#).await.json();
    let several = made(r#"{"question":"?","options":["a","b"],"maxChoices":2}"#).await.json();
    let unlisted = made(r#"{"question":"?","statements":["a"],"listed":false}"#).await.json();
    world.settle().await;
    for (poll, kind) in [(&rating, "rating"), (&choice, "choice"), (&several, "choice")] {
        for name in ["code", "id"] {
            let name = poll[name].as_str().unwrap();
            for path in [format!("/p/{name}"), format!("/polls/{name}")] {
                let link = sent_along(&world, &path).await;
                assert!(link.starts_with(&format!("/assets/ballot-{kind}-")), "{path}: {link}");
                assert!(link.ends_with(".js"), "{path}: {link}");
            }
        }
    }
    for path in ["/", "/p/000000", "/studio"] {
        assert_eq!(sent_along(&world, path).await, "", "{path}");
    }
    // A client that tries codes learns of none this way; a client that was shown the poll knows it already.
    let code = unlisted["code"].as_str().unwrap();
    let page = format!("/p/{code}");
    assert_eq!(sent_along(&world, &page).await, "");
    let joins = Ask::get(format!("/api/polls/{code}")).header("x-forwarded-for", PHONE);
    world.call(joins.request()).await;
    assert!(sent_along(&world, &page).await.contains("ballot-rating"));

    let event = world.call(Ask::post("/api/events", r#"{"title":"Both"}"#).request()).await.json();
    let (id, token) = (event["id"].as_str().unwrap(), event["ownerToken"].as_str().unwrap());
    let path = format!("/p/{}", event["code"].as_str().unwrap());
    assert_eq!(sent_along(&world, &path).await, "", "no poll is shown yet");
    for (poll, kind) in [
        (r#"{"question":"?","statements":["a"],"open":true}"#, "rating"),
        (r#"{"question":"?","options":["a","b"],"open":true}"#, "choice"),
    ] {
        let ask = Ask::post(format!("/api/events/{id}/polls"), poll).token(token);
        let poll = world.call(ask.request()).await.json();
        let show = format!(r#"{{"poll":{}}}"#, poll["id"]);
        world.call(Ask::post(format!("/api/events/{id}/show"), show).token(token).request()).await;
        world.settle().await;
        let link = sent_along(&world, &path).await;
        assert!(link.starts_with(&format!("/assets/ballot-{kind}-")), "{path}: {link}");
    }
}

#[tokio::test(start_paused = true)]
async fn polls_of_all_kinds_are_ranked_by_their_voters() {
    let world = World::new().await;
    let statements =
        r#"{"question":"How was it?","kind":"rating","statements":["a","b","c"],"steps":4}"#;
    let (rating, _) = world.poll(statements).await;
    let (choice, _) = world.poll(r#"{"question":"Tea?","options":["Yes","No"]}"#).await;
    let live = |poll: &str| poll.replace("hidden", "live");
    let (ranking, _) = world.poll(&live(RANKING)).await;
    let (points, _) = world.poll(&live(POINTS)).await;
    let (number, _) = world.poll(&live(NUMBER)).await;
    let (words, _) = world.poll(&live(WORDS)).await;
    world.settle().await;
    for (poll, body) in [
        (&rating, r#"{"answer":[4,1,2],"voterId":"ada"}"#),
        (&choice, r#"{"optionId":1,"voterId":"ada"}"#),
        (&choice, r#"{"optionId":2,"voterId":"bob"}"#),
        (&ranking, r#"{"answer":[3,1],"voterId":"ada"}"#),
        (&points, r#"{"answer":[4,0,6],"voterId":"ada"}"#),
        (&number, r#"{"answer":1.5,"voterId":"ada"}"#),
        (&words, r#"{"answer":["a","b"],"voterId":"ada"}"#),
    ] {
        world.tell(Ask::post(vote(poll), body)).await;
    }
    world.settle().await;
    let board = world.tell(Ask::get("/api/leaderboard")).await.json();
    let polls = board["polls"].as_array().unwrap();
    assert_eq!((&polls[0]["rank"], &polls[0]["pollId"]), (&json!(1), &json!(choice)));
    for (poll, voters, marks) in [
        (&choice, 2, 2),
        (&rating, 1, 3),
        (&ranking, 1, 2),
        // The points say how much the two marks weigh, and not how many there are.
        (&points, 1, 2),
        (&number, 1, 1),
        (&words, 1, 2),
    ] {
        let told = polls.iter().find(|told| told["pollId"] == **poll).unwrap();
        assert_eq!((&told["totalVoters"], &told["totalVotes"]), (&json!(voters), &json!(marks)));
    }
    let options = board["options"].as_array().unwrap();
    assert!(options.iter().all(|option| option["pollId"] == json!(choice)), "{options:?}");
}
