//! The tests run the scripts with which `docker-compose.yml` starts PostgreSQL and pgAdmin, for real: nothing
//! may come up with a password that anybody could know.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::*;
use crate::Ready;

/// Runs one script to its end, with stand-ins for the programs of its image that it calls, and returns its
/// output.
fn run(script: &str, home: &Path, environment: &[(&str, &str)]) -> String {
    let script = format!("{}/../../cluster/compose/{script}", env!("CARGO_MANIFEST_DIR"));
    let path = format!("{}:{}", home.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new(script);
    command.env("PATH", path).env("PASSWORD_FILE", home.join("db-password"));
    let output = command.envs(environment.iter().copied()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.success(), !said.contains("was not given its password"), "{said}");
    format!("{said}{}", String::from_utf8_lossy(&output.stdout))
}

fn program(home: &Path, name: &str, text: &str) {
    fs::write(home.join(name), format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(home.join(name), fs::Permissions::from_mode(0o755)).unwrap();
}

impl Postgres {
    /// Starts PostgreSQL again as the compose file does, with this role and password in `.env`, and returns
    /// the script's output.
    fn compose(&self, home: &Path, role: &str, password: &str) -> String {
        self.kill().unwrap();
        let data = [("PGDATA", self.member.args[1].as_str()), ("POLLUX_DB_ROLE", role)];
        let said =
            run("postgres.sh", home, &[&data[..], &[("POLLUX_DB_PASSWORD", password)]].concat());
        assert!(password.is_empty() || !said.contains(password), "{said}");
        said
    }

    /// Asserts that PostgreSQL accepts the password `password`, and refuses `not`, an earlier one.
    fn takes(&mut self, password: &str, not: &str) {
        self.database.password = password.to_owned();
        self.member.ready = Ready::Postgres(self.database.clone());
        self.launch().unwrap();
        let mut former = self.database.clone();
        former.password = not.to_owned();
        let refused = former.query("SELECT 1").unwrap_err().to_string();
        assert!(refused.contains("password authentication failed"), "{refused}");
    }
}

#[test]
fn a_password_of_the_compose_file_is_made_at_random_or_is_the_operators() {
    let mut server = Postgres::start().unwrap();
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let user = server.member.user.map_or(String::new(), |(user, group)| {
        format!("setpriv --reuid={user} --regid={group} --clear-groups")
    });
    let programs = server.database.programs().display();
    program(home, "gosu", &format!("shift\ncd /\nPATH={programs}:$PATH exec {user} \"$@\""));
    program(home, "docker-entrypoint.sh", "exit 0");
    let file = home.join("db-password");

    // The volume may come from a release whose password was published.
    server.database().query("ALTER ROLE pollux PASSWORD 'polling'").unwrap();
    server.compose(home, "pollux", "");
    let made = fs::read_to_string(&file).unwrap();
    // The password is 32 bytes in base64.
    assert_eq!(made.len(), 44, "{made}");
    server.takes(&made, "polling");

    // A further start keeps the password.
    server.compose(home, "pollux", "");
    assert_eq!(fs::read_to_string(&file).unwrap(), made);
    server.takes(&made, "polling");

    // The operator's own password takes its place, and is kept even if a later start is given none.
    let own = "it's \"mine\": \\o/";
    for given in [own, ""] {
        server.compose(home, "pollux", given);
        assert_eq!(fs::read_to_string(&file).unwrap(), own);
        server.takes(own, &made);
    }

    let said = server.compose(home, "nobody", "");
    assert!(said.contains("The account nobody was not given its password"), "{said}");
}

#[test]
fn a_new_database_is_told_a_password_that_no_other_has() {
    let made = [(); 2].map(|()| {
        let home = tempfile::tempdir().unwrap();
        program(home.path(), "docker-entrypoint.sh", "printf %s \"$POLLUX_DB_PASSWORD\"");
        let data = home.path().join("data").display().to_string();
        let environment =
            [("PGDATA", data.as_str()), ("POLLUX_DB_ROLE", "pollux"), ("POLLUX_DB_PASSWORD", "")];
        let told = run("postgres.sh", home.path(), &environment);
        assert_eq!(told, fs::read_to_string(home.path().join("db-password")).unwrap());
        told
    });
    assert!(made[0].len() == 44 && made[0] != made[1], "{made:?}");
}

#[test]
fn pgadmin_has_a_password_of_its_own_and_finds_the_databases() {
    let made = [(); 2].map(|()| {
        let home = tempfile::tempdir().unwrap();
        let home = home.path();
        fs::write(home.join("db-password"), "a:b\\c").unwrap();
        program(home, "entrypoint.sh", "printf %s \"$PGADMIN_DEFAULT_PASSWORD\"");
        let [place, entrypoint] =
            [home.to_owned(), home.join("entrypoint.sh")].map(|path| path.display().to_string());
        let environment = [
            ("PGADMIN_HOME", place.as_str()),
            ("ENTRYPOINT", entrypoint.as_str()),
            ("POLLUX_DB_ROLE", "pollux"),
        ];
        let first = run("pgadmin.sh", home, &environment);
        assert_eq!(run("pgadmin.sh", home, &environment), first, "the same at each start");
        let file = home.join("storage/admin_example.com/.pgpass");
        let line = fs::read_to_string(&file).unwrap();
        assert_eq!(line, "postgres:5432:*:pollux:a\\:b\\\\c\n");
        for file in [file, home.join("password")] {
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        first
    });
    assert!(made[0].len() == 32 && made[0] != made[1], "{made:?}");
}
