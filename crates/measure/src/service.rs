//! PostgreSQL and Redis, started for the time of an experiment and gone with everything they wrote when it ends.
//!
//! ```text
//! Installed    where its programs are on this machine, and their version; or Absent, how to get them
//!     | start
//! Server       answers on a free port of 127.0.0.1, from a data folder of its own that was made for it
//! ```
//!
//! Settings are the same for every client, and those that the server comes with except where the modules `postgresql` and `redis` say
//! otherwise. Nothing is traded for speed that a production server would not trade: PostgreSQL waits for the disk at every commit.
//!
//! A harness that is killed takes its servers with it; what they wrote is removed when the next one starts a server in the same place.

mod postgresql;
mod redis;

use std::fmt;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal};

use crate::experiment::Service;
use crate::process::{Invocation, Running, Terms, User, check_interrupted};
use crate::scratch::Scratch;

/// How long a server may take until it answers.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How long a server may take to end when asked to; PostgreSQL writes to disk what it still holds in memory.
const STOP_WITHIN: Duration = Duration::from_secs(60);
/// How long a server may take to end when told to drop everything.
const KILL_WITHIN: Duration = Duration::from_secs(6);
/// How often another port is tried when somebody took the one that was free a moment ago.
const PORTS_TRIED: usize = 8;
/// Where data lies if the user that a server must run as cannot reach the folder that it was to lie in: unlike /tmp on disk everywhere, so
/// that waiting for the disk costs what it costs.
const ELSEWHERE: &str = "/var/tmp";

/// What distinguishes one kind of server from another.
trait Kind: Sync {
    fn service(&self) -> Service;
    /// What messages call it.
    fn title(&self) -> &'static str;
    /// The programs that are needed, that of the server first. They lie in one folder.
    fn programs(&self) -> &'static [&'static str];
    /// Where distributions put them beside the folders of the PATH, best first.
    fn folders(&self) -> Vec<PathBuf>;
    /// The package of Debian and Ubuntu that has them.
    fn package(&self) -> &'static str;
    /// The version in what the server prints for `--version`.
    fn version<'a>(&self, printed: &'a str) -> Option<&'a str>;
    /// The account that the package makes for it.
    fn account(&self) -> &'static str;
    /// Fills the empty data folder.
    fn prepare(&self, place: &Place) -> Result<()>;
    fn invocation(&self, place: &Place, port: u16) -> Invocation;
    /// Succeeds once this very server, process `pid`, answers a question there: another may have taken the port.
    fn ask(&self, place: &Place, port: u16, pid: u32) -> Result<()>;
    fn url(&self, port: u16) -> String;
    /// Ends it cleanly.
    fn stop_signal(&self) -> Signal;
    /// Ends it at once.
    fn kill_signal(&self) -> Signal;
}

fn kind(service: Service) -> &'static dyn Kind {
    match service {
        Service::Postgresql => &postgresql::Postgresql,
        Service::Redis => &redis::Redis,
    }
}

/// Where a server's programs and data are, and who it runs as.
struct Place {
    programs: PathBuf,
    data: PathBuf,
    cores: Vec<usize>,
    user: Option<User>,
}

impl Place {
    /// One of the programs, not yet with arguments.
    fn invocation(&self, name: &str, program: &str) -> Invocation {
        Invocation {
            name: name.to_owned(),
            program: self.programs.join(program),
            arguments: Vec::new(),
            environment: Vec::new(),
            cores: self.cores.clone(),
        }
    }

    fn terms(&self) -> Terms {
        Terms {
            user: self.user.clone(),
            folder: Some(self.data.clone()),
            ..Terms::default()
        }
    }
}

/// A service whose programs are on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    service: Service,
    /// The folder of its programs.
    programs: PathBuf,
    version: String,
}

/// A service that is not on this machine. Shown, it says what is missing and how to get it, in a sentence without a full stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    service: Service,
    /// What was there after all, and did not run.
    broken: Option<String>,
}

impl fmt::Display for Absent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = kind(self.service);
        let programs: Vec<String> = kind.programs().iter().map(|name| format!("`{name}`")).collect();
        let title = kind.title();
        match (&self.broken, programs.as_slice()) {
            (Some(broken), _) => write!(f, "{title} does not run here: {broken}")?,
            (None, [one]) => write!(f, "{title} is not installed: there is no {one} on the PATH")?,
            (None, several) => write!(
                f,
                "{title} is not installed: there is no folder with {} on the PATH or where Debian keeps them",
                several.join(", ")
            )?,
        }
        write!(f, " (Debian and Ubuntu: `apt-get install {}`)", kind.package())
    }
}

impl std::error::Error for Absent {}

impl Installed {
    /// Looks on the PATH, then where Debian keeps versions side by side, the newest first.
    pub fn find(service: Service) -> Result<Installed, Absent> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders: Vec<PathBuf> = std::env::split_paths(&path).chain(kind(service).folders()).collect();
        Installed::find_in(service, &folders)
    }

    /// Looks in these folders, and takes the first that has all programs.
    pub fn find_in(service: Service, folders: &[PathBuf]) -> Result<Installed, Absent> {
        let kind = kind(service);
        let mut broken = None;
        for folder in folders {
            let server = folder.join(kind.programs()[0]);
            // A link to the server alone, with the others beside what it points to.
            let beside = server.canonicalize().ok();
            let beside = beside.as_deref().and_then(Path::parent).map(Path::to_owned);
            let complete = std::iter::once(folder.clone())
                .chain(beside)
                .find(|folder| kind.programs().iter().all(|program| folder.join(program).is_file()));
            let Some(programs) = complete else { continue };
            match version(kind, &programs) {
                Ok(version) => {
                    return Ok(Installed {
                        service,
                        programs,
                        version,
                    });
                }
                Err(error) => broken = broken.or(Some(format!("{error:#}"))),
            }
        }
        Err(Absent { service, broken })
    }

    /// As the server says it: `15.18`, `7.0.15`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Starts a server with empty data in a new folder below `folder`, on `cores` (all where empty), and returns when it has answered.
    ///
    /// Where the harness runs as root the server runs as another user, since PostgreSQL refuses root: the one that its package makes, or
    /// `nobody`. If that user cannot reach `folder`, the data lie below /var/tmp instead; they are removed from there as well.
    ///
    /// Call it on a thread that outlives the server: with the thread that started it, the server ends.
    ///
    /// # Errors
    /// Where the server dies before it answers, with the end of its log, or does not answer within a minute.
    pub fn start(&self, folder: &Path, cores: &[usize]) -> Result<Server> {
        self.start_on_ports(folder, cores, free_port)
    }

    fn start_on_ports(&self, folder: &Path, cores: &[usize], ports: impl FnMut() -> Result<u16>) -> Result<Server> {
        let kind = kind(self.service);
        self.try_start(kind, folder, cores, ports)
            .with_context(|| format!("cannot start {} {}", kind.title(), self.version))
    }

    fn try_start(
        &self,
        kind: &'static dyn Kind,
        folder: &Path,
        cores: &[usize],
        mut ports: impl FnMut() -> Result<u16>,
    ) -> Result<Server> {
        let (scratch, data, user) = place_for_data(kind, folder)?;
        let place = Place {
            programs: self.programs.clone(),
            data,
            cores: cores.to_vec(),
            user,
        };
        kind.prepare(&place)?;
        let log = scratch.path().join("log");
        for _ in 0..PORTS_TRIED {
            let port = ports()?;
            // Of this attempt only.
            std::fs::write(&log, "").with_context(|| format!("cannot write {}", log.display()))?;
            let terms = Terms {
                log: Some(log.clone()),
                when_orphaned: kind.kill_signal(),
                ..place.terms()
            };
            let mut process = Process {
                kind,
                running: Some(kind.invocation(&place, port).start_on(&terms)?),
            };
            if process.answers(&place, port, &log)? {
                return Ok(Server {
                    kind,
                    version: self.version.clone(),
                    port,
                    process,
                    scratch,
                });
            }
        }
        bail!("{PORTS_TRIED} ports in turn were free and then taken before the server had them")
    }
}

/// What the server in that folder calls its version.
fn version(kind: &dyn Kind, programs: &Path) -> Result<String> {
    let server = programs.join(kind.programs()[0]);
    let printed = Invocation {
        name: server.display().to_string(),
        program: server,
        arguments: vec!["--version".to_owned()],
        environment: Vec::new(),
        cores: Vec::new(),
    }
    .run(Duration::from_secs(20))?
    .stdout;
    let version = kind.version(&printed);
    version
        .map(str::to_owned)
        .with_context(|| format!("cannot read a version in `{}`", printed.trim()))
}

/// A new folder with an empty one for data inside, which the user that the server is to run as owns and reaches.
fn place_for_data(kind: &dyn Kind, folder: &Path) -> Result<(Scratch, PathBuf, Option<User>)> {
    let make = |parent: &Path| -> Result<(Scratch, PathBuf)> {
        let scratch = Scratch::new(parent)?;
        // Absolute and without links, as the server itself will call it.
        let data = scratch.path().canonicalize()?.join("data");
        std::fs::create_dir(&data).with_context(|| format!("cannot make {}", data.display()))?;
        Ok((scratch, data))
    };
    if !rustix::process::geteuid().is_root() {
        let (scratch, data) = make(folder)?;
        return Ok((scratch, data, None));
    }
    let user = User::named(kind.account())
        .or_else(|| User::named("nobody"))
        .with_context(|| {
            format!(
                "it cannot run as root, and there is no user `{}` or `nobody` to run as; run the harness as another user",
                kind.account()
            )
        })?;
    for parent in [folder, Path::new(ELSEWHERE)] {
        let (scratch, data) = make(parent)?;
        scratch.let_others_pass()?;
        std::os::unix::fs::chown(&data, Some(user.uid), Some(user.gid))
            .with_context(|| format!("cannot give {} to user {}", data.display(), user.name))?;
        if can_enter(&user, &data)? {
            return Ok((scratch, data, Some(user)));
        }
    }
    bail!(
        "user {} can enter neither {} nor {ELSEWHERE}: every folder on the way must be passable for others (`chmod o+x`)",
        user.name,
        folder.display()
    )
}

/// Found by trying: modes, access lists and mount options all have a say.
fn can_enter(user: &User, folder: &Path) -> Result<bool> {
    let there = Invocation {
        name: "true".to_owned(),
        program: "true".into(),
        arguments: Vec::new(),
        environment: Vec::new(),
        cores: Vec::new(),
    };
    let terms = Terms {
        user: Some(user.clone()),
        folder: Some(folder.to_owned()),
        ..Terms::default()
    };
    match there.start_on(&terms) {
        Ok(running) => running.wait(Duration::from_secs(20)).map(|_| true),
        Err(error)
            if error
                .downcast_ref::<std::io::Error>()
                .is_some_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// A port that nobody listens on at this moment.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("there is no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

/// A server that answers. Dropping it kills it, and removes its data.
pub struct Server {
    kind: &'static dyn Kind,
    version: String,
    port: u16,
    // In this order: the data go when nobody uses them any more.
    process: Process,
    scratch: Scratch,
}

impl Server {
    pub fn service(&self) -> Service {
        self.kind.service()
    }

    /// `postgresql://postgres@127.0.0.1:PORT/postgres` or `redis://127.0.0.1:PORT/0`.
    pub fn url(&self) -> String {
        self.kind.url(self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// As the server says it: `15.18`, `7.0.15`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The server's first process; PostgreSQL's others, one for each connection, are its children.
    pub fn pid(&self) -> u32 {
        self.process.running.as_ref().map_or(0, Running::pid)
    }

    /// Where its data lie, on the disk that it waits for.
    pub fn folder(&self) -> &Path {
        self.scratch.path()
    }

    /// Ends the server cleanly and removes its data.
    ///
    /// # Errors
    /// Where it does not end within a minute or ends with a failure. It is gone and its data are removed all the same.
    pub fn stop(mut self) -> Result<()> {
        if let Some(running) = self.process.running.take() {
            running.end(self.kind.stop_signal(), STOP_WITHIN)?;
        }
        self.scratch.remove()
    }
}

/// The process of a server. Dropping it kills it with its children.
struct Process {
    kind: &'static dyn Kind,
    running: Option<Running>,
}

impl Process {
    /// Waits until the server answers; returns false where it ended because the port was taken.
    fn answers(&mut self, place: &Place, port: u16, log: &Path) -> Result<bool> {
        let deadline = Instant::now() + READY_WITHIN;
        while let Some(running) = &self.running {
            let answer = self.kind.ask(place, port, running.pid());
            check_interrupted()?;
            if running.has_ended()? {
                let taken = std::fs::read_to_string(log).is_ok_and(|log| log.contains("Address already in use"));
                if taken {
                    self.running = None;
                    return Ok(false);
                }
                break;
            }
            match answer {
                Ok(()) => return Ok(true),
                Err(error) if Instant::now() > deadline => {
                    let seconds = READY_WITHIN.as_secs();
                    return Err(error).with_context(|| format!("it does not answer within {seconds} s"));
                }
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
        if let Some(running) = self.running.take() {
            // It has ended, and this says how.
            running.wait(2 * READY_WITHIN)?;
        }
        bail!("it ended without a word of failure before it answered")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let Some(running) = self.running.take() else { return };
        // What does not end by itself, or cannot be asked, is killed below.
        if running.signal(self.kind.kill_signal()).is_ok() {
            running.ends_within(KILL_WITHIN);
        }
        // Children are in sessions of their own, out of the reach of a signal to the group.
        let children = children(running.pid());
        drop(running);
        for child in children {
            let _ = rustix::process::kill_process(child, Signal::KILL);
        }
    }
}

/// The processes that one has started and not yet waited for.
fn children(pid: u32) -> Vec<Pid> {
    std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|child| Pid::from_raw(child.parse().ok()?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// A folder that every user can reach, or none but this one.
    fn folder(mode: u32) -> tempfile::TempDir {
        let folder = tempfile::tempdir_in(std::env::temp_dir()).unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        folder
    }

    fn installed(service: Service) -> Option<Installed> {
        Installed::find(service)
            .inspect_err(|absent| println!("skipped: {absent}"))
            .ok()
    }

    #[test]
    fn a_port_that_somebody_has_taken_is_left_to_them() {
        for &service in Service::ALL {
            let Some(installed) = installed(service) else { continue };
            let folder = folder(0o755);
            // One that says nothing, and one that answers as the server itself would.
            let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let other = installed.start(folder.path(), &[]).unwrap();
            let taken = [silent.local_addr().unwrap().port(), other.port()];
            let mut ports = taken.into_iter();
            let server = installed
                .start_on_ports(folder.path(), &[], || ports.next().map_or_else(free_port, Ok))
                .unwrap();
            assert!(!taken.contains(&server.port()));
            assert_ne!(server.pid(), other.pid());

            let error = installed
                .start_on_ports(folder.path(), &[], || Ok(taken[1]))
                .err()
                .unwrap();
            assert!(format!("{error:#}").contains("8 ports"), "{error:#}");
        }
    }

    #[test]
    fn one_that_dies_shows_its_log() {
        for &service in Service::ALL {
            let Some(installed) = installed(service) else { continue };
            let folder = folder(0o755);
            let error = installed.start_on_ports(folder.path(), &[], || Ok(0)).err().unwrap();
            let error = format!("{error:#}");
            let its_word = match service {
                Service::Postgresql => "0 is outside the valid range",
                Service::Redis => "Configured to not listen anywhere",
            };
            assert!(
                error.starts_with("cannot start ") && error.contains("exit status 1") && error.contains(its_word),
                "{error}"
            );
            let left = std::fs::read_dir(folder.path()).unwrap().count();
            assert_eq!(left, 0, "{}", folder.path().display());
        }
    }

    #[test]
    fn data_lie_elsewhere_where_the_user_cannot_reach_the_folder() {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: it needs root, who alone starts servers as another user");
            return;
        }
        let (open, closed) = (folder(0o755), folder(0o700));
        let place = |folder: &Path| place_for_data(&redis::Redis, folder).unwrap();
        let (_scratch, data, user) = place(open.path());
        assert!(data.starts_with(open.path()));
        assert!(user.is_some_and(|user| user.uid != 0));
        let (scratch, data, _) = place(closed.path());
        assert!(data.starts_with(ELSEWHERE));
        drop(scratch);
        assert!(!data.exists());
    }
}
