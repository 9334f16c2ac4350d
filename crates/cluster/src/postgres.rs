//! PostgreSQL is run from the programs that the system's packages have installed.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::database::Database;
use crate::member::{Member, Ready};
use crate::secure::Certificates;
use crate::shared;

/// The path of the socket's folder may have this many bytes: the whole path of the socket must fit into
/// `sun_path`, which is 108 bytes on Linux.
const LONGEST_SOCKET_FOLDER: usize = 80;

/// Creates the data folder and its settings, and returns how to start the server.
pub(crate) fn member(
    folder: &Path,
    database: &Database,
    tls: Option<&Certificates>,
) -> Result<Member> {
    let user = other_user()?;
    let home = home(folder, user)?;
    let data = home.join("data");
    init(&home, &data, user, database)?;

    let mut settings = fs::read_to_string(data.join("postgresql.conf"))?;
    settings.push_str(&shared::postgres()?);
    settings.push_str(&format!(
        "\n# This one.\nlisten_addresses = '{}'\nport = {}\nunix_socket_directories = '{}'\n",
        database.host,
        database.port,
        home.display()
    ));
    if let Some(tls) = tls {
        settings.push_str(&only_tls(&home, &data, user, tls)?);
    }
    fs::write(data.join("postgresql.conf"), settings)?;
    Ok(Member {
        name: "pg".into(),
        program: database.programs().join("postgres"),
        args: vec!["-D".into(), data.display().to_string()],
        env: vec![("LC_ALL".into(), "C".into())],
        user,
        ready: Ready::Postgres(database.clone()),
    })
}

/// Makes the server refuse connections without TLS, and returns what to add to its settings.
fn only_tls(
    home: &Path,
    data: &Path,
    user: Option<(u32, u32)>,
    tls: &Certificates,
) -> Result<String> {
    let own = |from: &Path, name: &str| -> Result<PathBuf> {
        let file = home.join(name);
        fs::copy(from, &file)?;
        // PostgreSQL refuses a key that others can read.
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
        if let Some((user, group)) = user {
            chown(&file, Some(user), Some(group))?;
        }
        Ok(file)
    };
    let (certificate, key) = (own(&tls.certificate, "server.pem")?, own(&tls.key, "server.key")?);
    fs::write(data.join("pg_hba.conf"), "hostssl all all 127.0.0.1/32 scram-sha-256\n")?;
    Ok(format!(
        "ssl = on\nssl_cert_file = '{}'\nssl_key_file = '{}'\n",
        certificate.display(),
        key.display()
    ))
}

/// Returns the user and the group that must run PostgreSQL, which refuses to be root. There are none unless
/// we are root; then they are those of Debian's packages, or else of `nobody`.
fn other_user() -> Result<Option<(u32, u32)>> {
    if !rustix::process::getuid().is_root() {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    let find = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let fields: Vec<&str> = line.split(':').collect();
        Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
    };
    let user = find("postgres").or_else(|| find("nobody"));
    Ok(Some(user.context("PostgreSQL must not be root, and there is no user `postgres`")?))
}

/// Creates PostgreSQL's own folder. It is in the cluster's folder, unless PostgreSQL's user cannot get there
/// (a checkout in root's home) or the socket's path would be too long.
fn home(folder: &Path, user: Option<(u32, u32)>) -> Result<PathBuf> {
    let inside = folder.join("pg");
    let home = if inside.as_os_str().len() <= LONGEST_SOCKET_FOLDER && reachable(folder, user) {
        inside
    } else {
        // The name is random, since anyone may write to this place.
        let name = format!("pollux-pg-{}", hex::encode(rand::random::<[u8; 8]>()));
        std::env::temp_dir().join(name)
    };
    fs::DirBuilder::new().mode(0o700).create(&home).with_context(|| home.display().to_string())?;
    // The path is kept, so that removing the cluster finds the folder.
    fs::write(folder.join(HOME), home.display().to_string())?;
    if let Some((user, group)) = user {
        chown(&home, Some(user), Some(group))?;
    }
    Ok(home)
}

/// A file of this name holds the path of PostgreSQL's folder.
const HOME: &str = "pg.home";

/// Removes PostgreSQL's folder, wherever it is.
pub(crate) fn remove(folder: &Path) -> Result<()> {
    let Ok(home) = fs::read_to_string(folder.join(HOME)) else { return Ok(()) };
    match fs::remove_dir_all(&home) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {home}"))
        }
        _ => Ok(()),
    }
}

/// Returns whether another user, if one runs PostgreSQL, may enter every folder on the way.
fn reachable(folder: &Path, user: Option<(u32, u32)>) -> bool {
    let open = |folder: &Path| {
        fs::metadata(folder).is_ok_and(|found| found.permissions().mode() & 0o001 != 0)
    };
    user.is_none() || folder.ancestors().all(open)
}

/// This is PostgreSQL's own superuser. Here its password is that of the database's owner.
pub const SUPERUSER: &str = "postgres";

/// Creates PostgreSQL's files, its superuser, Pollux's role and the database. The role gets more rights than
/// cluster/compose/role.sh grants: those that tests and benchmarks need themselves.
fn init(home: &Path, data: &Path, user: Option<(u32, u32)>, database: &Database) -> Result<()> {
    let password = home.join("password");
    fs::write(&password, &database.password)?;
    if let Some((user, group)) = user {
        chown(&password, Some(user), Some(group))?;
    }
    let command = |program: &str| {
        let mut command = Command::new(database.programs().join(program));
        command.env("LC_ALL", "C").current_dir("/").stdout(Stdio::null()).stderr(Stdio::piped());
        if let Some((user, group)) = user {
            command.uid(user).gid(group);
        }
        command
    };
    let initdb = command("initdb")
        .args(["--encoding", "UTF8", "--locale", "C", "--auth", "scram-sha-256"])
        .args(["--username", SUPERUSER, "--no-instructions"])
        .arg("--pwfile")
        .arg(&password)
        .arg("--pgdata")
        .arg(data)
        .output()
        .context("initdb")?;
    ensure!(initdb.status.success(), "initdb: {}", String::from_utf8_lossy(&initdb.stderr));
    fs::remove_file(password)?;

    // No server runs yet, so that every server that runs has its database.
    let Database { user: role, password, name, .. } = database;
    let mut single = command("postgres")
        .arg("--single")
        .arg("-D")
        .arg(data)
        // What is granted in `template1` is granted in every database that is created after it.
        .arg("template1")
        .stdin(Stdio::piped())
        .spawn()?;
    let mut stdin = single.stdin.take().context("no stdin")?;
    writeln!(stdin, "CREATE ROLE {role} LOGIN CREATEDB PASSWORD '{password}'")?;
    writeln!(stdin, "GRANT pg_checkpoint TO {role}")?;
    writeln!(stdin, "GRANT EXECUTE ON FUNCTION pg_stat_reset() TO {role}")?;
    writeln!(stdin, "CREATE DATABASE {name} OWNER {role}")?;
    drop(stdin);
    let output = single.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    // It exits with 0 even if a statement failed.
    ensure!(output.status.success() && !said.contains("ERROR"), "the database: {said}");
    Ok(())
}
