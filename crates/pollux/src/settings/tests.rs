//! These tests hold every setting to its declaration: as a flag, as a variable, at its limits, in the
//! documents.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use pollux_server::config::{Config, SETTINGS};

use super::*;

fn variables(environment: &[(&str, &str)], dot_env: &str) -> Variables {
    let environment = environment.iter().map(|(k, v)| ((*k).into(), (*v).into()));
    Variables::of(environment, dot_env).unwrap()
}

fn complaint(environment: &[(&str, &str)], dot_env: &str) -> String {
    variables(environment, dot_env).config(&Flags::default()).unwrap_err().message
}

#[test]
fn flag_beats_environment_beats_dot_env_beats_default() {
    let mut flags = Flags::default();
    let none = variables(&[], "");
    assert_eq!(none.config(&flags).unwrap().port, 5000);
    assert_eq!(variables(&[], "PORT=1").config(&flags).unwrap().port, 1);
    let both = variables(&[("PORT", "2")], "PORT=1");
    assert_eq!(both.config(&flags).unwrap().port, 2);
    flags.set("port", "3");
    assert_eq!(both.config(&flags).unwrap().port, 3);
    assert_eq!(variables(&[("PORT", " ")], "").config(&Flags::default()).unwrap().port, 5000);
}

#[test]
fn errors_name_the_source() {
    let wrong = complaint(&[], "# mine\n\nexport PORT = abc\n");
    assert_eq!(wrong, "PORT=abc (from .env line 3): not a port from 0 to 65535");
    let wrong = complaint(&[("POLLUX_HOST", "x")], "");
    assert!(wrong.starts_with("POLLUX_HOST=x (from the environment): "), "{wrong}");
    let wrong = complaint(&[("POLLUX_SECRET", "hunter2")], "");
    assert!(!wrong.contains("hunter2"), "{wrong}");
    let passwords = [("DB_PASSWORD", "hunter2"), ("POLLUX_KAFKA_PASSWORD", "hunter2")];
    let read = variables(&passwords, "").config(&Flags::default()).unwrap();
    assert_eq!(read.db.password.0, "hunter2");
    assert_eq!(read.kafka.password.as_ref().unwrap().0, "hunter2");
    assert!(!format!("{read:?}").contains("hunter2"));
    let wrong = Variables::of([], "PORT=1\nnonsense here\n").unwrap_err().message;
    assert!(wrong.starts_with(".env line 2: not NAME=value"), "{wrong}");
    let wrong = Variables::of([], "PORT=1\nDB_PASSWORD=two words").unwrap_err().message;
    assert!(wrong.starts_with(".env line 2: ") && !wrong.contains("words"), "{wrong}");
}

#[test]
fn one_cluster_variable_alone_names_the_missing_ones() {
    let mode = |variables: &Variables, embedded| {
        variables.server(&Flags::default(), embedded).map(|(config, _)| config.is_cluster())
    };
    assert!(!mode(&variables(&[], ""), false).unwrap());
    let one = variables(&[], "KAFKA_BROKER=k:9092");
    let wrong = mode(&one, false).unwrap_err();
    assert_eq!(wrong.code, crate::exit::USAGE);
    for said in ["DB_HOST", "DB_USER", "DB_PASSWORD", "from .env line 1", "--embedded"] {
        assert!(wrong.message.contains(said), "{}", wrong.message);
    }
    assert!(!wrong.message.contains("add to .env:\n  KAFKA_BROKER"), "{}", wrong.message);
    assert!(!mode(&one, true).unwrap());
    let all = "DB_USER=pollux\nDB_PASSWORD=p";
    let both = variables(&[("DB_HOST", "db")], &format!("KAFKA_BROKER=k:9092\n{all}"));
    assert!(mode(&both, false).unwrap());
    assert!(!mode(&both, true).unwrap());

    let mut flags = Flags::default();
    flags.set("kafka-broker", "k:9092");
    let wrong = variables(&[], all).server(&flags, false).unwrap_err().message;
    assert!(wrong.contains("(given as --kafka-broker) is set, but DB_HOST is not"), "{wrong}");
    flags.set("db-host", "db");
    assert!(variables(&[], all).server(&flags, false).unwrap().0.is_cluster());
}

#[test]
fn roles_are_for_a_cluster() {
    let half = variables(&[("POLLUX_ROLES", "web")], "");
    assert!(half.server(&Flags::default(), false).unwrap_err().message.contains("roles are"));
    let wrong = complaint(&[("POLLUX_ROLES", "web,worker")], "");
    assert!(wrong.contains("\"worker\" is neither web nor processor"), "{wrong}");
}

#[test]
fn misspelt_variables_are_noticed() {
    let found = variables(&[("POLLUX_PROT", "1"), ("POLLUX_LOG", "info")], "");
    let unknown: Vec<_> = found.unknown().collect();
    assert_eq!(unknown, ["POLLUX_PROT (from the environment) is not a setting of Pollux"]);
}

/// Returns the configurations, or the errors, that `--flag=text` and `VARIABLE=text` lead to.
fn both(setting: &Setting, text: &str) -> [Result<String, String>; 2] {
    let command = Flags::augment_args(Command::new("pollux"));
    let typed = ["pollux".into(), format!("--{}={text}", setting.flag)];
    let typed = Flags::from_arg_matches(&command.try_get_matches_from(typed).unwrap()).unwrap();
    let found = variables(&[(setting.variable, text)], "");
    [(variables(&[], ""), typed), (found, Flags::default())].map(|(variables, flags)| {
        variables.config(&flags).map(|config| shown(&config)).map_err(|failure| failure.message)
    })
}

/// Returns all of a configuration, with the password that its debug output hides.
fn shown(config: &Config) -> String {
    format!("{config:?} {}", config.db.password.0)
}

/// Returns a value that is not the setting's default.
fn another(setting: &Setting) -> String {
    let text = match setting.value {
        "COUNT" | "BYTES" | "PORT" => {
            return (setting.default.parse::<u64>().unwrap() + 1).to_string();
        }
        "TIME" => "1234ms",
        "RATE/BURST" => "7/8",
        "true|false" => "true",
        "ADDRESSES" => "192.0.2.1",
        "NETWORKS" => "192.0.2.0/24",
        "ROLES" => "processor",
        "URL" | "ORIGINS" => "https://polls.example.org",
        "SECRETS" => "sixteen bytes and more@2026-12-01T03:00:00Z",
        "FORMAT" => "json",
        "MODE" => "verify",
        "MECHANISM" => "PLAIN",
        "FLUSH" => "off",
        "HOST:PORT,…" => "kafka1:9092",
        "FILE" => concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
        "TEXT" => "mine.",
        _ => "sixteen bytes and more",
    };
    text.to_owned()
}

#[test]
fn a_flag_does_what_its_variable_does() {
    let default = shown(&Config::default());
    for setting in SETTINGS.iter() {
        let [typed, found] = both(setting, &another(setting)).map(Result::unwrap);
        assert_eq!(typed, found, "{}", setting.flag);
        assert_ne!(typed, default, "--{} sets nothing", setting.flag);
        let text = &setting.default;
        if !text.is_empty() {
            let [typed, found] = both(setting, text).map(Result::unwrap);
            assert!(typed == default && found == default, "{}={text}", setting.flag);
        }
    }
}

#[test]
fn past_its_limits_a_setting_is_refused_by_name_and_told_what_would_do() {
    let mut kinds = BTreeSet::new();
    for setting in SETTINGS.iter() {
        let Setting { flag, variable, value, limits, .. } = setting;
        let noun = if *value == "PORT" { "port" } else { "whole number" };
        let near = |number: &str, step: i64| (number.parse::<i64>().unwrap() + step).to_string();
        let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        let (inside, outside, why) = match limits.split(' ').collect::<Vec<_>>()[..] {
            [""] => continue,
            ["from", "1/1", "up"] => {
                let why = "not a rate and a burst such as 5/20";
                (owned(&["1/1"]), owned(&["0/1", "1/0", "5"]), why.into())
            }
            ["from", least, "up"] => {
                (owned(&[least]), vec![near(least, -1)], format!("not a {noun} {limits}"))
            }
            ["from", least, "to", most] => {
                let outside = vec![near(least, -1), near(most, 1)];
                (owned(&[least, most]), outside, format!("not a {noun} {limits}"))
            }
            ["more", "than", "0s"] => {
                (owned(&["1ms", "365d"]), owned(&["0s"]), "must be more than 0s".into())
            }
            ["16", "bytes", "or", "more"] => {
                let why = "only 15 bytes long; 16 or more are needed";
                (vec!["x".repeat(16)], vec!["x".repeat(15)], why.into())
            }
            _ => panic!("{flag}: what are the limits {limits:?}?"),
        };
        kinds.insert(limits);
        for text in inside {
            assert!(both(setting, &text).iter().all(Result::is_ok), "{flag}={text}");
        }
        for text in outside {
            let told = if setting.is_secret { "…" } else { &text };
            let expected = [
                format!("--{flag} {told}: {why}"),
                format!("{variable}={told} (from the environment): {why}"),
            ];
            assert_eq!(both(setting, &text).map(Result::unwrap_err), expected);
        }
    }
    assert!(kinds.len() > 5, "{kinds:?}");
}

#[test]
fn nothing_of_a_secret_is_told() {
    let secrets = |setting: &&Setting| {
        ["SECRET", "TOKEN", "PASSWORD"].iter().any(|name| setting.variable.contains(name))
    };
    let secrets: Vec<_> = SETTINGS.iter().filter(secrets).collect();
    assert!(secrets.len() >= 5);
    for setting in secrets {
        let mut config = Config::default();
        let _ = setting.set(&mut config, &another(setting));
        assert_eq!(setting.show(&config), "", "{}", setting.variable);
        for told in both(setting, "hunter2").into_iter().filter_map(Result::err) {
            assert!(!told.contains("hunter2"), "{told}");
        }
    }
}

#[test]
fn wrong_texts_are_refused() {
    for (flag, wrong) in [
        ("host", "phones"),
        ("host", ","),
        ("public-url", "example.org"),
        ("operator-creates", "perhaps"),
        ("allowed-origins", "https://example.org/path"),
        ("drain", "soon"),
        ("log-format", "xml"),
        ("log-queue", "1.5"),
        ("kafka-broker", ","),
        ("kafka-broker", "kafka1"),
        ("kafka-broker", "kafka1:0"),
        ("kafka-broker", "kafka1:9092,:9092"),
        ("kafka-broker", "http://kafka1:9092"),
        ("topic-prefix", "a b"),
        ("topic-prefix", &"x".repeat(201)),
        ("kafka-ca", "/no/such/file.pem"),
        ("kafka-sasl", "KERBEROS"),
        ("db-tls", "prefer"),
        ("db-ca", "/no/such/file.pem"),
    ] {
        let setting = SETTINGS.iter().find(|setting| setting.flag == flag).unwrap();
        assert!(setting.set(&mut Config::default(), wrong).is_err(), "{flag}={wrong}");
    }
}

#[test]
fn names_are_ours_and_unique() {
    let theirs =
        ["PORT", "KAFKA_BROKER", "DB_HOST", "DB_PORT", "DB_USER", "DB_PASSWORD", "DB_NAME"];
    let mut flags = BTreeSet::new();
    for Setting { flag, variable, .. } in SETTINGS.iter() {
        assert!(variable.starts_with("POLLUX_") || theirs.contains(variable), "{variable}");
        assert!(flags.insert(flag), "{flag} is there twice");
    }
}

#[test]
fn the_sample_says_the_defaults() {
    let compose = include_str!("../../../../docker-compose.yml");
    for line in include_str!("../../../../.env.sample").lines() {
        let Some((name, value)) = line.strip_prefix('#').and_then(|line| line.split_once('='))
        else {
            continue;
        };
        if compose.contains(&format!("${{{name}:-{value}}}")) {
            continue;
        }
        let setting = SETTINGS.iter().find(|setting| setting.variable == name);
        let setting = setting.unwrap_or_else(|| panic!("{line}: no such setting"));
        let shown = &setting.default;
        assert!(shown.is_empty() || shown == value, "{line}: the default is {shown}");
    }
}

/// Returns a setting's row in the documents' tables. The README's table has no limits.
fn row(setting: &Setting, with_limits: bool) -> String {
    let Setting { flag, variable, value, limits, default, absent, help, .. } = setting;
    let default = [default, *absent, "none"].into_iter().find(|text| !text.is_empty()).unwrap();
    let limits = if with_limits { format!("{limits} | ") } else { String::new() };
    let value = value.replace('|', "\\|");
    format!("| `{variable}` | `--{flag}` {value} | {default} | {limits}{help} |")
}

/// Asserts that the document says what is expected. With `INSTA_UPDATE=always` it writes the document
/// instead.
fn held(name: &str, said: &str, expected: &str) {
    if std::env::var_os("INSTA_UPDATE").is_some_and(|how| how == "always") {
        std::fs::write(format!("{}/../../{name}", env!("CARGO_MANIFEST_DIR")), expected).unwrap();
    } else {
        let differs = said.lines().zip(expected.lines()).find(|(said, expected)| said != expected);
        let again = "INSTA_UPDATE=always cargo test -p pollux --bins writes it anew";
        assert!(said == expected, "{name} is not what is declared: {differs:?}; {again}");
    }
}

#[test]
fn the_documents_say_what_is_declared() {
    let readme = include_str!("../../../../README.md");
    let mut rows = 0;
    let expected: String = readme
        .lines()
        .map(|line| {
            let first = line.strip_prefix("| `").and_then(|line| line.split('`').next());
            match first.and_then(|first| SETTINGS.iter().find(|setting| setting.variable == first))
            {
                Some(setting) => {
                    rows += 1;
                    row(setting, false) + "\n"
                }
                None => format!("{line}\n"),
            }
        })
        .collect();
    assert!(rows > 10, "the README's table of settings is gone");
    held("README.md", readme, &expected);

    let mut expected = "# Settings and limits\n\n\
        All that `pollux serve --help` lists: made from what is declared in `crates/server/src/config.rs`, and held to \
        it by a test.\nA flag beats the environment, which beats a file `.env` in the working directory.\n"
        .to_owned();
    for heading in [Heading::Settings, Heading::Limits] {
        expected += &format!(
            "\n## {heading:?}\n\n| variable | flag | default | limits | |\n|---|---|---|---|---|\n"
        );
        for setting in SETTINGS.iter().filter(|setting| setting.heading == heading) {
            expected += &(row(setting, true) + "\n");
        }
    }
    let said =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/settings.md"));
    held("docs/settings.md", &said.unwrap_or_default(), &expected);
}
