//! One process from start to exit: pinned, timed, limited in time, and gone with its children at the end, however the end comes.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, PidfdFlags, Resource, Rlimit, Signal, WaitId, WaitIdOptions, WaitOptions};

/// Set by Ctrl-C; every wait looks at it.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Asks every wait of the harness to end.
pub fn interrupt() {
    INTERRUPTED.store(true, Ordering::SeqCst);
}

/// The error by which an interrupted wait ends.
#[derive(Debug)]
pub struct Interrupted;

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// Fails once Ctrl-C was pressed.
pub fn check_interrupted() -> Result<(), Interrupted> {
    if INTERRUPTED.load(Ordering::SeqCst) {
        Err(Interrupted)
    } else {
        Ok(())
    }
}

/// Sleeps, unless Ctrl-C comes.
pub fn pause(duration: Duration) -> Result<(), Interrupted> {
    let end = Instant::now() + duration;
    loop {
        check_interrupted()?;
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        std::thread::sleep(left.min(Duration::from_millis(100)));
    }
}

/// Where the guard is told which process groups are running; see [`guard_with`].
static GUARD: OnceLock<Mutex<ChildStdin>> = OnceLock::new();

/// Starts the guard: a small process that is told of every process group this one starts, and that kills those still running when this
/// one is gone, however it went. The kernel's parent-death signal, which every child gets as well, does not reach grandchildren.
pub fn guard_with(program: &Path) -> Result<()> {
    if GUARD.get().is_some() {
        return Ok(());
    }
    let mut guard = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Out of the terminal's group: Ctrl-C is for the harness to handle.
        .process_group(0)
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let stdin = guard.stdin.take().context("the guard has no stdin")?;
    // A second call that came first keeps its guard; this one's ends when its stdin is dropped.
    let _ = GUARD.set(Mutex::new(stdin));
    Ok(())
}

/// Makes this process the parent of those whose own parent has ended before them, as the server from which Python forks its workers does.
/// Init would take them in otherwise, and the CPU they used would look like somebody else's.
pub(crate) fn adopt_orphans() -> Result<()> {
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).context("cannot adopt orphaned processes")
}

/// Tells the guard that a group has started (`+`) or is gone (`-`).
fn tell_guard(sign: char, group: u32) {
    if let Some(guard) = GUARD.get() {
        let mut guard = guard.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        // A guard that somebody killed guards nothing; the parent-death signal still does.
        let _ = writeln!(guard, "{sign}{group}");
    }
}

/// What to start.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// What messages call it.
    pub name: String,
    pub program: PathBuf,
    pub arguments: Vec<String>,
    pub environment: Vec<(String, String)>,
    /// Cores to run on; all where empty.
    pub cores: Vec<usize>,
}

/// On which terms a process runs. By default those of a program under test: the harness's own user and folder, its output read by the
/// harness, and killed when the harness dies.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Whom it becomes; only root can.
    pub user: Option<User>,
    /// Its current folder.
    pub folder: Option<PathBuf>,
    /// The file that its standard output and error are appended to, instead of being read by the harness.
    pub log: Option<PathBuf>,
    /// What the kernel sends it when the harness dies.
    pub when_orphaned: Signal,
}

impl Default for Terms {
    fn default() -> Terms {
        Terms {
            user: None,
            folder: None,
            log: None,
            when_orphaned: Signal::KILL,
        }
    }
}

/// An account of this system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
}

impl User {
    /// The account of that name in /etc/passwd, where every system account stands.
    pub fn named(name: &str) -> Option<User> {
        let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
        accounts.lines().find_map(|line| {
            let mut fields = line.split(':');
            let (found, _password, uid, gid) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
            (found == name).then_some(User {
                name: name.to_owned(),
                uid: uid.parse().ok()?,
                gid: gid.parse().ok()?,
            })
        })
    }
}

/// Resources of a process that has ended, from wait4(2).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usage {
    pub user_seconds: f64,
    pub system_seconds: f64,
    pub voluntary_switches: u64,
    pub involuntary_switches: u64,
}

/// A process that has ended well.
#[derive(Debug)]
pub struct Finished {
    pub wall: Duration,
    pub usage: Usage,
    pub stdout: String,
}

/// A running process. Dropping it kills it and its whole process group.
pub struct Running {
    child: Child,
    name: String,
    started: Instant,
    stderr: Option<JoinHandle<String>>,
    /// Where it writes if not into pipes.
    log: Option<PathBuf>,
    reaped: bool,
}

impl Invocation {
    /// Starts the process in a group of its own, with a clean environment.
    pub fn start(&self) -> Result<Running> {
        self.start_on(&Terms::default())
    }

    /// Starts the process in a group of its own, with a clean environment, on terms of its own.
    ///
    /// The kernel takes the end of the thread that calls this for the end of the harness: call it on one that outlives the process.
    pub(crate) fn start_on(&self, terms: &Terms) -> Result<Running> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LC_ALL", "C.UTF-8")
            .envs(self.environment.iter().map(|(k, v)| (k, v)))
            .stdin(Stdio::null())
            .process_group(0);
        match &terms.log {
            Some(path) => {
                let log = std::fs::File::options()
                    .create(true)
                    .append(true)
                    .open(path)
                    .and_then(|file| Ok((file.try_clone()?, file)))
                    .with_context(|| format!("cannot write the log {}", path.display()))?;
                command.stdout(log.0).stderr(log.1);
            }
            None => {
                command.stdout(Stdio::piped()).stderr(Stdio::piped());
            }
        }
        if let Some(folder) = &terms.folder {
            command.current_dir(folder);
        }
        if let Some(user) = &terms.user {
            // As root this gives up the supplementary groups too.
            command.uid(user.uid).gid(user.gid);
        }
        let when_orphaned = terms.when_orphaned;
        let cores = self.cores.clone();
        let parent = rustix::process::getpid();
        let files = rustix::process::getrlimit(Resource::Nofile);
        // SAFETY: between fork and exec only async-signal-safe system calls are made, and nothing is allocated.
        unsafe {
            command.pre_exec(move || {
                // The kernel ends the child when the harness dies, even by SIGKILL, which no handler sees. Becoming another user clears
                // this, prctl(2); the standard library has done that before it calls us.
                rustix::process::set_parent_process_death_signal(Some(when_orphaned))?;
                if rustix::process::getppid() != Some(parent) {
                    return Err(std::io::Error::from_raw_os_error(libc::ESRCH));
                }
                if !cores.is_empty() {
                    let mut set = rustix::thread::CpuSet::new();
                    for &core in &cores {
                        set.set(core);
                    }
                    rustix::thread::sched_setaffinity(None, &set)?;
                }
                // Thousands of connections are more than the usual soft limit of open files, 1,024, which is there for programs that
                // call select(2).
                rustix::process::setrlimit(
                    Resource::Nofile,
                    Rlimit {
                        current: files.maximum,
                        ..files
                    },
                )?;
                Ok(())
            });
        }
        let started = Instant::now();
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {} ({})", self.name, self.program.display()))?;
        if terms.when_orphaned == Signal::KILL {
            // One that asked for a gentler end gets it, and would lose it to the guard.
            tell_guard('+', child.id());
        }
        let stderr = child.stderr.take().map(collect);
        Ok(Running {
            child,
            name: self.name.clone(),
            started,
            stderr,
            log: terms.log.clone(),
            reaped: false,
        })
    }

    /// Starts the process and waits for its end; anything but exit status 0 within the limit is an error that shows its stderr.
    pub fn run(&self, limit: Duration) -> Result<Finished> {
        self.run_on(&Terms::default(), limit)
    }

    /// The same on terms of its own. What goes to a log is not in the result.
    pub(crate) fn run_on(&self, terms: &Terms, limit: Duration) -> Result<Finished> {
        let mut running = self.start_on(terms)?;
        let reader = running.child.stdout.take().map(collect);
        let (wall, usage) = running.wait(limit)?;
        let stdout = reader.and_then(|reader| reader.join().ok());
        Ok(Finished {
            wall,
            usage,
            stdout: stdout.unwrap_or_default(),
        })
    }
}

/// A process that is not among the harness's descendants, as if somebody else had started it. Dropping it kills it.
pub struct Detached {
    group: u32,
}

impl Invocation {
    /// Starts the process by way of a shell that ends at once, so that it becomes a child of init.
    pub(crate) fn start_detached(&self) -> Result<Detached> {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", r#""$@" & exit 0"#, "sh"])
            .arg(&self.program)
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(k, v)| (k, v)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        let mut shell = command.spawn().with_context(|| format!("cannot start {}", self.name))?;
        let detached = Detached { group: shell.id() };
        tell_guard('+', detached.group);
        shell.wait().with_context(|| format!("cannot start {}", self.name))?;
        Ok(detached)
    }
}

impl Drop for Detached {
    fn drop(&mut self) {
        if let Some(group) = Pid::from_raw(self.group as i32) {
            // It may have ended by itself.
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
        tell_guard('-', self.group);
    }
}

impl Running {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The process's standard output; it can be taken once.
    pub(crate) fn take_stdout(&mut self) -> Result<ChildStdout> {
        self.child.stdout.take().context("stdout was taken already")
    }

    /// Asks the process to end (SIGTERM) and waits for it; `limit` counts from its start.
    pub fn stop(self, limit: Duration) -> Result<(Duration, Usage)> {
        self.signal(Signal::TERM)?;
        self.wait(limit)
    }

    /// The same by a signal of the caller's choice, for what runs without a limit of its own: the limit counts from now.
    pub fn end(self, signal: Signal, within: Duration) -> Result<(Duration, Usage)> {
        self.signal(signal)?;
        self.wait_until(Instant::now() + within, within)
    }

    /// Sends a signal to the process alone, not to its group.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        rustix::process::kill_process(self.raw_pid()?, signal).with_context(|| format!("cannot signal {}", self.name))
    }

    /// Whether the process has ended; [`Running::wait`] then says how, without waiting.
    pub(crate) fn has_ended(&self) -> Result<bool> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let status = rustix::process::waitid(WaitId::Pid(self.raw_pid()?), options)
            .with_context(|| format!("cannot ask for the state of {}", self.name))?;
        Ok(status.is_some())
    }

    /// Whether the process ends within that time. Unlike [`Running::wait`] it does not look at Ctrl-C: for what comes after.
    pub(crate) fn ends_within(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while matches!(self.has_ended(), Ok(false)) {
            if Instant::now() > deadline {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        true
    }

    /// Waits for exit status 0; kills the process and its children when the limit, counted from its start, is over or Ctrl-C comes.
    pub fn wait(self, limit: Duration) -> Result<(Duration, Usage)> {
        let deadline = self.started + limit;
        self.wait_until(deadline, limit)
    }

    fn wait_until(mut self, deadline: Instant, limit: Duration) -> Result<(Duration, Usage)> {
        let pidfd = rustix::process::pidfd_open(self.raw_pid()?, PidfdFlags::empty())
            .context("pidfd_open failed (Linux 5.3 or newer is needed)")?;
        loop {
            check_interrupted()?;
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let name = self.name.clone();
                self.kill();
                bail!(
                    "{name} did not end within {} s and was killed{}",
                    limit.as_secs_f64(),
                    self.said()
                );
            }
            // In slices, so that Ctrl-C is noticed.
            let slice = left.min(Duration::from_millis(100));
            let mut fds = [rustix::event::PollFd::new(&pidfd, rustix::event::PollFlags::IN)];
            let slice = rustix::event::Timespec {
                tv_sec: slice.as_secs() as _,
                tv_nsec: slice.subsec_nanos() as _,
            };
            match rustix::event::poll(&mut fds, Some(&slice)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => break,
                Err(error) => return Err(error).context("poll failed"),
            }
        }
        let wall = self.started.elapsed();
        let (status, usage) = self.reap()?;
        // Whatever the process left behind in its group ends with it.
        self.kill_group();
        self.reap_orphans();
        if status != 0 {
            let how = if libc::WIFSIGNALED(status) {
                format!("was killed by signal {}", libc::WTERMSIG(status))
            } else {
                format!("failed with exit status {}", libc::WEXITSTATUS(status))
            };
            let said = self.said();
            bail!("{} {how}{said}", self.name);
        }
        Ok((wall, usage))
    }

    fn raw_pid(&self) -> Result<Pid> {
        Pid::from_raw(self.child.id() as i32).context("no process id")
    }

    /// wait4(2): exit status and resources of just this child.
    fn reap(&mut self) -> Result<(i32, Usage)> {
        let mut status = 0;
        // SAFETY: both pointers are to initialised locals that outlive the call.
        let (result, usage) = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            let result = libc::wait4(self.child.id() as i32, &mut status, 0, &mut usage);
            (result, usage)
        };
        if result < 0 {
            return Err(std::io::Error::last_os_error()).with_context(|| format!("cannot wait for {}", self.name));
        }
        self.reaped = true;
        let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
        Ok((
            status,
            Usage {
                user_seconds: seconds(usage.ru_utime),
                system_seconds: seconds(usage.ru_stime),
                voluntary_switches: usage.ru_nvcsw as u64,
                involuntary_switches: usage.ru_nivcsw as u64,
            },
        ))
    }

    fn kill_group(&self) {
        if let Ok(pid) = self.raw_pid() {
            // No such group is the normal case: everybody left.
            let _ = rustix::process::kill_process_group(pid, Signal::KILL);
        }
        tell_guard('-', self.child.id());
    }

    /// The last lines of what it wrote, for an error message. Waits for the end of its pipe, so for a process that has ended.
    fn said(&mut self) -> String {
        match &self.log {
            Some(log) => quoted(&std::fs::read(log).unwrap_or_default(), "its log"),
            None => {
                let stderr = self.stderr.take().and_then(|reader| reader.join().ok());
                quoted(stderr.unwrap_or_default().as_bytes(), "stderr")
            }
        }
    }

    fn kill(&mut self) {
        if !self.reaped {
            self.kill_group();
            let _ = self.reap();
            self.reap_orphans();
        }
    }

    /// Waits for those of the killed group that [`adopt_orphans`] has made children of this process; that there are none is the normal case.
    fn reap_orphans(&self) {
        if let Ok(group) = self.raw_pid() {
            while let Ok(Some(_)) = rustix::process::waitpgid(group, WaitOptions::empty()) {}
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Reads a pipe to its end on a thread of its own, so that the process never blocks on a full one.
fn collect(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // A pipe that breaks off has given all it had.
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// The last lines of what a process said, for an error message.
fn quoted(text: &[u8], place: &str) -> String {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<&str> = text.trim_end().lines().collect();
    if lines.is_empty() {
        return format!("; it wrote nothing to {place}");
    }
    let from = lines.len().saturating_sub(20);
    format!("; it wrote to {place}:\n    {}", lines[from..].join("\n    "))
}

/// CPU time of each process of a group, so that a server of several processes is read as one.
pub struct GroupClock(BTreeMap<u32, Duration>);

impl GroupClock {
    /// Reads the clocks of all processes in the group of that leader.
    pub fn read(leader: u32) -> Result<GroupClock> {
        let mut clocks = BTreeMap::new();
        for entry in std::fs::read_dir("/proc").context("cannot read /proc")? {
            let name = entry?.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
                continue;
            };
            // SAFETY: a system call without pointers. rustix's own takes no 0, which kernel threads have.
            let group = unsafe { libc::getpgid(pid as i32) };
            if u32::try_from(group).is_ok_and(|group| group == leader)
                // One that ended since the list was read has no clock any more.
                && let Ok(time) = cpu_time_of(pid)
            {
                clocks.insert(pid, time);
            }
        }
        if clocks.is_empty() {
            bail!("no process of the group {leader} is running");
        }
        Ok(GroupClock(clocks))
    }

    /// CPU time of the whole group since an earlier reading. Processes may have come since; one that has ended took its time with it.
    pub fn since(&self, earlier: &GroupClock) -> Result<Duration> {
        if let Some(gone) = earlier.0.keys().find(|pid| !self.0.contains_key(pid)) {
            bail!("process {gone} ended while its CPU time was measured: let workers live as long as their server");
        }
        let spent = |(pid, now): (&u32, &Duration)| now.saturating_sub(earlier.0.get(pid).copied().unwrap_or_default());
        Ok(self.0.iter().map(spent).sum())
    }
}

/// CPU time of another running process, all its threads, with the kernel's full resolution.
pub fn cpu_time_of(pid: u32) -> Result<Duration> {
    // SAFETY: both calls write only to the locals they are given.
    unsafe {
        let mut clock = 0;
        let error = libc::clock_getcpuclockid(pid as i32, &mut clock);
        if error != 0 {
            return Err(std::io::Error::from_raw_os_error(error))
                .with_context(|| format!("no CPU clock of process {pid}"));
        }
        let mut time: libc::timespec = std::mem::zeroed();
        if libc::clock_gettime(clock, &mut time) != 0 {
            return Err(std::io::Error::last_os_error())
                .with_context(|| format!("cannot read the CPU clock of process {pid}"));
        }
        Ok(Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufRead;

    use super::*;

    fn shell(script: &str) -> Invocation {
        Invocation {
            name: "the script".to_owned(),
            program: "/bin/sh".into(),
            arguments: vec!["-c".to_owned(), script.to_owned()],
            environment: Vec::new(),
            cores: Vec::new(),
        }
    }

    #[test]
    fn a_failure_shows_status_and_stderr() {
        let error = shell("echo broken >&2; exit 3")
            .run(Duration::from_secs(5))
            .unwrap_err()
            .to_string();
        assert!(error.contains("exit status 3") && error.contains("broken"), "{error}");
    }

    #[test]
    fn a_groups_clock_takes_in_children_and_refuses_one_that_ended() {
        let spin = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        let running = shell(&format!("({spin}; sleep 60) & ({spin}; sleep 60) & read nothing; wait"))
            .start()
            .unwrap();
        let began = GroupClock::read(running.pid()).unwrap();
        let both = loop {
            std::thread::sleep(Duration::from_millis(20));
            let now = GroupClock::read(running.pid()).unwrap();
            let spent = now.since(&began).unwrap();
            // The leader itself only waits: two children have worked.
            if now.0.values().filter(|time| **time > Duration::from_millis(20)).count() >= 2 {
                break spent;
            }
        };
        assert!(both >= Duration::from_millis(40), "{both:?}");
        assert!(cpu_time_of(running.pid()).unwrap() < Duration::from_millis(20));
        let later = GroupClock(BTreeMap::from([(running.pid(), Duration::ZERO)]));
        let error = later
            .since(&GroupClock::read(running.pid()).unwrap())
            .unwrap_err()
            .to_string();
        assert!(error.contains("ended while its CPU time was measured"), "{error}");
    }

    #[test]
    fn a_hanging_process_is_killed_with_its_children() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let script = format!("sleep 60 & echo $! > {}; wait", file.path().display());
        let started = Instant::now();
        let error = shell(&script).run(Duration::from_millis(300)).unwrap_err().to_string();
        assert!(error.contains("did not end within 0.3 s"), "{error}");
        assert!(started.elapsed() < Duration::from_secs(5));
        let pid: i32 = std::fs::read_to_string(file.path()).unwrap().trim().parse().unwrap();
        // The grandchild is reaped by init, which may take a moment.
        let gone = (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(20));
            std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z "))
        });
        assert!(gone, "process {pid} is still there");
    }

    #[test]
    fn an_orphan_is_adopted_and_gone_with_its_group() {
        adopt_orphans().unwrap();
        let mut running = shell("(sleep 60 >/dev/null & echo $!); sleep 60").start().unwrap();
        let mut line = String::new();
        std::io::BufReader::new(running.take_stdout().unwrap())
            .read_line(&mut line)
            .unwrap();
        let stat = PathBuf::from(format!("/proc/{}/stat", line.trim()));
        // The subshell ends right after it has written the line.
        let adopted = (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(20));
            let stat = std::fs::read_to_string(&stat).unwrap();
            let parent = stat[stat.rfind(')').unwrap()..].split_whitespace().nth(2).unwrap();
            parent == std::process::id().to_string()
        });
        assert!(adopted);
        drop(running);
        assert!(!stat.exists());
    }

    #[test]
    fn usage_and_output_are_the_childs_own() {
        let finished = shell("i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done; echo $i")
            .run(Duration::from_secs(20))
            .unwrap();
        assert_eq!(finished.stdout, "60000\n");
        assert!(finished.usage.user_seconds > 0.0);
        assert!(finished.wall.as_secs_f64() >= finished.usage.user_seconds * 0.5);
    }

    #[test]
    fn a_process_may_open_as_many_files_as_the_hard_limit_allows() {
        let files = rustix::process::getrlimit(Resource::Nofile);
        // Lower than what is allowed, so that the test can fail; this process needs no more.
        let lowered = Rlimit {
            current: Some(files.maximum.map_or(1024, |most| most.min(1024))),
            ..files
        };
        rustix::process::setrlimit(Resource::Nofile, lowered).unwrap();
        let finished = shell("ulimit -Sn; ulimit -Hn").run(Duration::from_secs(5));
        rustix::process::setrlimit(Resource::Nofile, files).unwrap();
        let stdout = finished.unwrap().stdout;
        let (soft, hard) = stdout.trim().split_once('\n').unwrap();
        assert_eq!(soft, hard);
    }

    #[test]
    fn pinning_holds() {
        let core = *crate::machine::usable_cores().unwrap().last().unwrap();
        let mut pinned = shell("grep Cpus_allowed_list /proc/self/status");
        pinned.cores = vec![core];
        let finished = pinned.run(Duration::from_secs(5)).unwrap();
        assert_eq!(
            finished.stdout.split_whitespace().last(),
            Some(core.to_string().as_str())
        );
    }
}
