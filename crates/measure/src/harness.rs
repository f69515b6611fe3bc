//! One run of one program: started with its peers beside it, pinned, verified to report what it should, and how disturbed it was.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::ChildStdout;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;

use crate::build::{self, Binaries};
use crate::experiment::{Addresses, Cores, DEFAULT_PYTHON, Experiment, Language, Program, Purpose};
use crate::extension::Extensions;
use crate::load::{Plan, Report};
use crate::process::{self, Invocation, Running};
use crate::report::{self, ReportLine};
use crate::results::{self, Cause, FOREIGN_CORES_AT_MOST, Phase};
use crate::service::{Installed, Server};
use crate::tools::Tools;
use crate::{machine, packages, python};

/// How long a server may take from its start to the line that says where it listens.
const READY_WITHIN: Duration = Duration::from_secs(20);
/// How long a server may take to end after SIGTERM.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// Interpreters with their packages by the name that manifests use, or why there is none.
pub type Pythons = BTreeMap<String, Result<python::Environment, String>>;

/// Everything a run needs that is the same for all.
pub struct Harness {
    root: PathBuf,
    target: PathBuf,
    binaries: Binaries,
    pythons: Pythons,
    tools: Tools,
    extensions: Extensions,
    cores: Vec<usize>,
    machine: results::Machine,
    rustc: String,
}

/// What one run gave.
#[derive(Debug)]
pub struct Measured {
    pub wall: Duration,
    pub usage: process::Usage,
    /// The program's answer; null for servers, whose every answer the load generator has checked.
    pub result: Value,
    pub phases: BTreeMap<String, Phase>,
    /// Why an open-loop phase does not count.
    pub void: Option<String>,
    /// Cores that other processes and the hypervisor took meanwhile.
    pub foreign_cores: f64,
}

impl Measured {
    /// Why the run does not count, if it does not. Looks only at disturbance, never at what was measured.
    pub(crate) fn objection(&self) -> Option<(Cause, String)> {
        if self.foreign_cores > FOREIGN_CORES_AT_MOST {
            let detail = format!("other processes took {:.2} cores", self.foreign_cores);
            return Some((Cause::Contamination, detail));
        }
        self.void.clone().map(|why| (Cause::Void, why))
    }
}

/// A server that clients under test talk to, and where everybody is found.
#[derive(Default)]
pub struct Peers {
    /// Held so that it serves: dropping it ends it.
    server: Option<Running>,
    /// With what delay it answers, in milliseconds, and whether over HTTPS.
    delay: Option<(f64, bool)>,
    /// Databases that the experiment asks for. Dropping them ends them and removes their data.
    services: Vec<Server>,
    addresses: Addresses,
}

impl Harness {
    /// Gathers what was built and set up; fails where measuring cannot work at all.
    pub fn new(
        root: &Path,
        target: &Path,
        binaries: Binaries,
        pythons: Pythons,
        label: Option<&str>,
    ) -> Result<Harness> {
        let guard = binaries.own("guard");
        if guard.is_file() {
            process::guard_with(&guard)?;
        }
        process::adopt_orphans()?;
        Ok(Harness {
            root: root.to_owned(),
            target: target.to_owned(),
            binaries,
            pythons,
            tools: Tools::new(target),
            extensions: Extensions::new(root, target),
            cores: machine::usable_cores()?,
            machine: machine::describe(label)?,
            rustc: build::rustc_version(root)?,
        })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn target(&self) -> &Path {
        &self.target
    }

    pub fn machine(&self) -> &results::Machine {
        &self.machine
    }

    /// What the results of an experiment depend on beside its programs.
    pub fn environment(&self, experiment: &Experiment) -> Result<results::Environment> {
        let mut pythons = BTreeMap::new();
        let mut tools = BTreeMap::new();
        let mut reached = packages::crates_reached(&self.root, experiment)?;
        for program in &experiment.programs {
            match program.language {
                Language::Python => {
                    if let Some(Ok(environment)) = self.pythons.get(&program.python) {
                        pythons.insert(program.python.clone(), environment.interpreter.build.clone());
                        if program.python == DEFAULT_PYTHON {
                            reached.extend(packages::distributions_reached(&environment.packages, experiment)?);
                        }
                    }
                }
                Language::Rust => {}
                Language::Go | Language::Node => {
                    if let Ok(tool) = self.tools.get(program.language) {
                        tools.insert(tool.name.to_owned(), tool.version.clone());
                    }
                }
            }
        }
        for &service in &experiment.services {
            if let Ok(installed) = Installed::find(service) {
                tools.insert(service.name().to_owned(), installed.version().to_owned());
            }
        }
        Ok(results::Environment {
            kernel: machine::kernel(),
            cpu_flags: machine::cpu_flags()?,
            affinity: self.cores.clone(),
            quota_cores: machine::quota_cores(),
            governor: machine::governor(),
            pythons,
            rustc: self.rustc.clone(),
            tools,
            packages: reached,
        })
    }

    /// Why an experiment cannot run here at all.
    pub fn unable(&self, experiment: &Experiment) -> Option<String> {
        if (experiment.load.is_some() || experiment.delay_server.is_some()) && self.cores.len() < 2 {
            return Some(format!(
                "it needs two cores, and this process may use {}",
                self.cores.len()
            ));
        }
        for &service in &experiment.services {
            if let Err(absent) = Installed::find(service) {
                return Some(absent.to_string());
            }
        }
        if self.skipped(experiment).len() == experiment.programs.len() {
            return Some("none of its programs can run here".to_owned());
        }
        None
    }

    /// The programs that cannot run here, each with the reason and what to do.
    pub fn skipped(&self, experiment: &Experiment) -> BTreeMap<String, String> {
        experiment
            .programs
            .iter()
            .filter_map(|program| {
                let why = match program.language {
                    Language::Rust => None,
                    Language::Python => match self.pythons.get(&program.python) {
                        Some(Ok(environment)) => too_old(program, environment.interpreter.version),
                        Some(Err(why)) => Some(why.clone()),
                        None => Some(format!("no Python `{}` was set up", program.python)),
                    },
                    Language::Go | Language::Node => self.tools.get(program.language).err(),
                };
                Some((program.id.clone(), why?))
            })
            .collect()
    }

    /// Peers for runs of one kind; those that `peers` holds already stay when they serve it as well.
    pub(crate) fn bring_up(&self, experiment: &Experiment, purpose: &Purpose, peers: &mut Peers) -> Result<()> {
        for &service in &experiment.services {
            if peers.services.iter().any(|server| server.service() == service) {
                continue;
            }
            let installed = Installed::find(service)?;
            let cores = self.core(experiment.cores.and_then(|cores| cores.service));
            let server = installed.start(&self.target.join("services"), &cores)?;
            peers.addresses.0.insert(service.name().to_owned(), server.url());
            peers.services.push(server);
        }
        let Some(server) = &experiment.delay_server else {
            return Ok(());
        };
        let delay = experiment.value(&server.delay, None, purpose)?;
        if peers.delay == Some((delay, server.tls)) {
            return Ok(());
        }
        let authority = self.target.join("delay-server-authority.pem");
        let mut arguments = vec!["--delay".to_owned(), delay.to_string()];
        if server.tls {
            arguments.extend(["--tls-ca".to_owned(), authority.display().to_string()]);
        }
        let invocation = Invocation {
            name: "the delay server".to_owned(),
            program: self.binaries.own("delay-server"),
            arguments,
            environment: Vec::new(),
            cores: self.core(experiment.cores.map(|cores| cores.peer)),
        };
        let mut running = invocation.start()?;
        let address = listening(&mut running, "delay-server")?;
        peers.server = Some(running);
        peers.delay = Some((delay, server.tls));
        let scheme = if server.tls { "https" } else { "http" };
        peers
            .addresses
            .0
            .insert("base".to_owned(), format!("{scheme}://{address}"));
        peers
            .addresses
            .0
            .insert("ca".to_owned(), authority.display().to_string());
        Ok(())
    }

    /// One run. The environment is padded by so many bytes: its size moves the stack, and with it alignments that change speed
    /// (Mytkowicz et al., "Producing wrong data without doing anything obviously wrong", 2009).
    pub(crate) fn run_once(
        &self,
        experiment: &Experiment,
        program: &Program,
        purpose: &Purpose,
        peers: &Peers,
        padding: usize,
    ) -> Result<Measured> {
        process::check_interrupted()?;
        let limit = Duration::from_secs_f64(experiment.timeout_seconds);
        let invocation = self.invocation(experiment, program, purpose, peers, padding)?;
        let foreign = machine::foreign_seconds(std::process::id())?;
        let began = Instant::now();
        let mut measured = match &experiment.load {
            Some(_) => self.server_run(experiment, program, purpose, invocation, limit)?,
            None => client_run(program, &invocation, limit)?,
        };
        let elapsed = began.elapsed().as_secs_f64();
        let foreign = machine::foreign_seconds(std::process::id())? - foreign;
        // A process that ended while the list was read can be missed once: a little below zero is zero.
        measured.foreign_cores = (foreign / elapsed).max(0.0);
        report::check(experiment, program, &measured.phases)?;
        Ok(measured)
    }

    /// A server under test: started, loaded, stopped.
    fn server_run(
        &self,
        experiment: &Experiment,
        program: &Program,
        purpose: &Purpose,
        mut invocation: Invocation,
        limit: Duration,
    ) -> Result<Measured> {
        invocation
            .arguments
            .extend(["--listen".to_owned(), "127.0.0.1:0".to_owned()]);
        let mut server = invocation.start()?;
        let address = listening(&mut server, &program.id)?;
        let plan = serde_json::to_string(&Plan::of(experiment, program, purpose)?)?;
        let generator = Invocation {
            name: "the load generator".to_owned(),
            program: self.binaries.own("load-generator"),
            arguments: [
                "--connect",
                &address,
                "--server-pid",
                &server.pid().to_string(),
                "--plan",
                &plan,
            ]
            .map(str::to_owned)
            .to_vec(),
            environment: Vec::new(),
            cores: self.core(experiment.cores.map(|cores| cores.peer)),
        };
        let loaded = generator
            .run(limit)
            .with_context(|| format!("program `{}`", program.id))?;
        let (wall, usage) = server
            .stop(limit + STOP_WITHIN)
            .with_context(|| format!("stopping program `{}`", program.id))?;
        let report: Report =
            serde_json::from_str(loaded.stdout.trim()).context("the load generator's report cannot be read")?;
        let void = report
            .phases
            .iter()
            .find_map(|(name, phase)| Some(format!("phase `{name}`: {}", phase.void()?)));
        Ok(Measured {
            wall,
            usage,
            result: Value::Null,
            phases: report.into_phases()?,
            void,
            foreign_cores: 0.0,
        })
    }

    /// How a program is started; servers get the address to listen on beside.
    pub(crate) fn invocation(
        &self,
        experiment: &Experiment,
        program: &Program,
        purpose: &Purpose,
        peers: &Peers,
        padding: usize,
    ) -> Result<Invocation> {
        let mut arguments = experiment.arguments(program, purpose, &peers.addresses)?;
        let mut environment = vec![("PADDING".to_owned(), "x".repeat(padding))];
        let source = experiment.folder.join(&program.file);
        let path = match program.language {
            Language::Rust => self.binaries.example(&experiment.id, &program.file),
            Language::Go => self.tools.go_program(&experiment.id, &program.file, &source)?,
            Language::Node => {
                arguments.insert(0, source.display().to_string());
                self.tools.get(Language::Node).map_err(anyhow::Error::msg)?.path.clone()
            }
            Language::Python => {
                arguments.insert(0, source.display().to_string());
                // Nothing is written beside the sources.
                let cache = self.target.join("pycache");
                environment.push(("PYTHONPYCACHEPREFIX".to_owned(), cache.display().to_string()));
                environment.push(("PYTHONNOUSERSITE".to_owned(), "1".to_owned()));
                match self.pythons.get(&program.python) {
                    Some(Ok(python)) => {
                        if let Some(extension) = &program.extension {
                            let module = self.extensions.ensure(&experiment.folder.join(extension), python)?;
                            environment.push(("PYTHONPATH".to_owned(), module.display().to_string()));
                        }
                        python.python.clone()
                    }
                    _ => bail!(
                        "program `{}` asks for Python `{}`, which is not here",
                        program.id,
                        program.python
                    ),
                }
            }
        };
        Ok(Invocation {
            name: format!("program `{}` ({}/{})", program.id, experiment.id, program.file),
            program: path,
            arguments,
            environment,
            cores: match program.cores {
                Cores::One => self.core(experiment.cores.map(|cores| cores.program)),
                Cores::All => Vec::new(),
            },
        })
    }

    fn core(&self, index: Option<usize>) -> Vec<usize> {
        index
            .map(|index| vec![self.cores[index % self.cores.len()]])
            .unwrap_or_default()
    }
}

/// A program that runs to its end by itself.
fn client_run(program: &Program, invocation: &Invocation, limit: Duration) -> Result<Measured> {
    let finished = invocation.run(limit)?;
    let line =
        ReportLine::parse(&finished.stdout).with_context(|| format!("program `{}` ({})", program.id, program.file))?;
    Ok(Measured {
        wall: finished.wall,
        usage: finished.usage,
        result: line.result,
        phases: line.phases,
        void: None,
        foreign_cores: 0.0,
    })
}

/// Waits for the line by which a server says where it listens.
fn listening(server: &mut Running, name: &str) -> Result<String> {
    #[derive(Deserialize)]
    struct Line {
        listening: String,
    }
    let stdout = server.take_stdout()?;
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || read_lines(stdout, &sender));
    let deadline = Instant::now() + READY_WITHIN;
    let line = loop {
        process::check_interrupted()?;
        match receiver.recv_timeout(Duration::from_millis(100)) {
            Ok(line) => break line,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) if Instant::now() < deadline => {}
            Err(_) => bail!(
                "program `{name}` did not say within {READY_WITHIN:?} where it listens (a line {{\"listening\": \"127.0.0.1:PORT\"}})"
            ),
        }
    };
    let line: Line = serde_json::from_str(&line)
        .with_context(|| format!("program `{name}`: expected {{\"listening\": ...}}, found: {line}"))?;
    Ok(line.listening)
}

/// Sends the first line and reads on to the end, so that a server which prints more never blocks.
fn read_lines(stdout: ChildStdout, sender: &std::sync::mpsc::Sender<String>) {
    for line in BufReader::new(stdout).lines() {
        let Ok(line) = line else { return };
        // Nobody listens after the first line.
        let _ = sender.send(line);
    }
}

/// Why a program cannot run with this version of Python, if so.
fn too_old(program: &Program, version: (u32, u32, u32)) -> Option<String> {
    let (major, minor) = program.python_at_least?;
    ((version.0, version.1) < (major, minor)).then(|| {
        format!(
            "it needs Python {major}.{minor} or newer, and this is {}.{}; `--python PATH` chooses another",
            version.0, version.1
        )
    })
}
