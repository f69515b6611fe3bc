//! What is compared: the manifest `examples/<experiment>/experiment.toml`.
//!
//! ```text
//! Experiment --- Parameter   sizes and durations, named once, used by programs and by the text; some are swept
//!            \-- Program     one process to run: language, file, arguments, ideal times
//!            \-- Load        for servers only: what the load generator does
//!            \-- Service     databases that must run beside
//!            \-- Metric      what to read off a run, and in which unit
//!
//! Point       where in its sweeps an experiment runs: every parameter at its own value but for at most one
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A named size or duration, so that a number stands in one place only.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    pub value: f64,
    #[serde(default)]
    pub unit: Unit,
    /// The value used when answers are verified: small, so that every program can do the same work at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<f64>,
    /// The values it is swept through, in increasing order, its own `value` among them. The other parameters stay at theirs meanwhile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sweep: Vec<f64>,
}

/// Where in its sweeps an experiment runs: the parameter that differs from its own value, if any, and what it is instead.
#[derive(Debug, Clone, Default, PartialEq, PartialOrd, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Point(BTreeMap<String, f64>);

impl Point {
    /// Every parameter at its own value.
    pub fn base() -> Point {
        Point::default()
    }

    pub fn at(parameter: &str, value: f64) -> Point {
        Point(BTreeMap::from([(parameter.to_owned(), value)]))
    }

    pub fn is_base(&self) -> bool {
        self.0.is_empty()
    }

    pub fn get(&self, parameter: &str) -> Option<f64> {
        self.0.get(parameter).copied()
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.0 {
            write!(f, "@{name}={value}")?;
        }
        Ok(())
    }
}

/// The unit of a parameter or of a metric's value. Times are seconds everywhere but in parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    #[default]
    Count,
    Seconds,
    Milliseconds,
    Bytes,
    PerSecond,
    /// A share of one core: 1.0 is a core fully used.
    Cores,
    /// A part of a whole: 0.5 is half of it.
    Share,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    Python,
    Rust,
    /// One file of package `main`, standard library only.
    Go,
    /// One file for Node.js, standard library only.
    Node,
}

/// A server that runs beside an experiment, started by the harness; its address is an argument `{postgresql}` or `{redis}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    Postgresql,
    Redis,
}

impl Service {
    pub const ALL: &[Service] = &[Service::Postgresql, Service::Redis];

    /// Its name in manifests and arguments.
    pub fn name(self) -> &'static str {
        match self {
            Service::Postgresql => "postgresql",
            Service::Redis => "redis",
        }
    }
}

/// What makes up the crate of an extension module, relative to its folder.
const EXTENSION_SOURCES: &[&str] = &["Cargo.toml", "pyproject.toml", "src/lib.rs"];

/// The interpreter that Python programs run on unless they ask for another.
pub const DEFAULT_PYTHON: &str = "default";

/// On which cores a program runs. Servers and clients are pinned apart from their peer unless the row is about using all cores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cores {
    /// The one core that `[cores]` names for the program under test.
    #[default]
    One,
    /// Every core of the machine, shared with the peer.
    All,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Short, stable name used in directives: `tokio`, `asyncio-streams`.
    pub id: String,
    /// What figures and tables call it. Goes through the translators' catalog.
    pub label: String,
    pub language: Language,
    /// Path of the source file, relative to the experiment's folder.
    pub file: String,
    /// Further sources that the program imports, relative to the same folder.
    #[serde(default)]
    pub imports: Vec<String>,
    /// For a Python program: the folder of the crate that is its extension module, relative to the experiment's.
    #[serde(default)]
    pub extension: Option<String>,
    /// May contain `{parameter}`.
    #[serde(default)]
    pub arguments: Vec<String>,
    #[serde(default)]
    pub cores: Cores,
    /// Values that differ from the experiment's, e.g. fewer GETs for a slow client.
    #[serde(default)]
    pub parameters: BTreeMap<String, f64>,
    /// Swept parameters whose larger values this program is not run at, because it would take too long or too much memory.
    #[serde(default)]
    pub at_most: BTreeMap<String, f64>,
    /// For a Python program: `default`, the one interpreter that the whole campaign uses; `free-threaded`; or a version, as `3.12`.
    #[serde(default = "default_python")]
    pub python: String,
    /// For a Python program: the oldest version that has what it uses, as `[3, 12]`. It is skipped on others.
    #[serde(default)]
    pub python_at_least: Option<(u32, u32)>,
    /// For programs that mostly wait: the shortest possible time of a phase, in seconds.
    #[serde(default)]
    pub ideal: BTreeMap<String, f64>,
}

fn default_python() -> String {
    DEFAULT_PYTHON.to_owned()
}

/// What is read off the runs of a program.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Duration of the phase.
    Seconds,
    /// Duration of the phase less the program's ideal.
    Excess,
    /// Duration of the phase per unit of work.
    SecondsPerWork,
    /// Units of work per second.
    WorkPerSecond,
    /// User and system CPU of the program under test in the phase.
    Cpu,
    /// The same per unit of work.
    CpuPerWork,
    /// The same per second: cores kept busy.
    CpuShare,
    /// Cores the load generator or the serving peer kept busy in the phase.
    PeerCpuShare,
    /// A quantile of the latency: under a load from the intended time of sending, else as the program reports it.
    LatencyP50,
    LatencyP99,
    /// The longest latency of the session.
    LatencyMax,
    /// User and system CPU of the whole process, start-up and exit included (wait4).
    ProcessCpu,
    /// Time from the start of the process to its exit.
    ProcessSeconds,
    /// How often the kernel took a thread of the process off its core, because it waited or because its time was up (wait4).
    ProcessSwitches,
    /// Memory that the program said it had, in bytes; see [`crate::results::Phase::memory_bytes`].
    Memory,
    /// How much that grows per unit of the swept parameter named by `over`: the slope of the least-squares line through all points.
    MemorySlope,
    /// What the program counted in the phase and reports under the name `of`: polls, bytes of a stack, frames.
    Count,
}

impl Quantity {
    /// Of a count, unless its metric says otherwise: see [`Metric::unit`].
    fn unit(self) -> Unit {
        match self {
            Quantity::WorkPerSecond => Unit::PerSecond,
            Quantity::CpuShare | Quantity::PeerCpuShare => Unit::Cores,
            Quantity::Memory | Quantity::MemorySlope => Unit::Bytes,
            Quantity::Count | Quantity::ProcessSwitches => Unit::Count,
            _ => Unit::Seconds,
        }
    }

    /// The smallest difference between two values of about this size that the measurement can tell; 0 where clocks are finer than anything
    /// that matters.
    pub fn step(self, value: f64) -> f64 {
        match self {
            // Whole microseconds, in histograms of three significant digits.
            Quantity::LatencyP50 | Quantity::LatencyP99 | Quantity::LatencyMax => (value / 1000.0).max(1e-6),
            // The kernel counts pages.
            Quantity::Memory => 4096.0,
            _ => 0.0,
        }
    }

    /// Whether values are positive and compared by ratios, so that the mean is taken of their logarithms.
    pub fn is_ratio_scale(self) -> bool {
        !matches!(
            self,
            Quantity::Excess
                | Quantity::CpuShare
                | Quantity::PeerCpuShare
                | Quantity::Count
                | Quantity::ProcessSwitches
        )
    }

    /// Whether two programs may be compared by a ratio. Counts may, where none of them is zero; their own mean is the arithmetic one, so
    /// that zero is a count like others and what is the same in every run comes out as exactly that.
    pub fn has_ratios(self) -> bool {
        self.is_ratio_scale() || matches!(self, Quantity::Count | Quantity::ProcessSwitches)
    }

    /// The quantile that it is of the latencies of a phase, if it is one.
    pub fn latency_quantile(self) -> Option<f64> {
        match self {
            Quantity::LatencyP50 => Some(0.50),
            Quantity::LatencyP99 => Some(0.99),
            Quantity::LatencyMax => Some(1.0),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    Lower,
    Higher,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    pub id: String,
    /// Heading of its column. Goes through the translators' catalog.
    pub label: String,
    pub quantity: Quantity,
    /// The phase it is read from; those of the whole process need none.
    #[serde(default)]
    pub phase: String,
    /// For a slope: the swept parameter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<String>,
    /// For a count: the name by which programs report it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// For a count: what is counted, bytes or else things that have no unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
    /// For a count: whether it is divided by the work of the phase.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub per_work: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub better: Option<Better>,
}

impl Metric {
    /// The unit of its values.
    pub fn unit(&self) -> Unit {
        self.unit.unwrap_or_else(|| self.quantity.unit())
    }

    /// That what belongs to counts stands where a count is asked for, and nowhere else.
    fn check_count(&self, has_load: bool) -> Result<()> {
        let id = &self.id;
        if self.quantity != Quantity::Count {
            ensure!(
                self.of.is_none() && self.unit.is_none() && !self.per_work,
                "metric `{id}`: `of`, `unit` and `per_work` are for `quantity = \"count\"`"
            );
            return Ok(());
        }
        ensure!(
            self.of.is_some(),
            "metric `{id}` is a count: `of` names it as programs report it in `counts`"
        );
        ensure!(
            !self.phase.is_empty(),
            "metric `{id}` is a count: `phase` names the phase that it is reported with"
        );
        ensure!(
            matches!(self.unit, None | Some(Unit::Count | Unit::Bytes)),
            "metric `{id}`: the `unit` of a count is `bytes` or `count`"
        );
        ensure!(
            !has_load,
            "metric `{id}`: the phases of a server come from the load generator, which reports no counts"
        );
        Ok(())
    }
}

/// How the load generator drives a server in one phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadPhase {
    pub name: String,
    pub seconds: f64,
    /// Name of the parameter that holds the messages per second over all connections, sent whether or not answers keep up (open
    /// loop). Without it each connection sends its next message when it has the answer to the last (closed loop).
    #[serde(default)]
    pub rate: Option<String>,
}

/// What the load generator does to a server under test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// Name of the parameter that holds the number of connections.
    pub connections: String,
    /// Of a server that echoes: name of the parameter that holds the size of a message in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_bytes: Option<String>,
    /// Of a server that speaks HTTP: what is asked and answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpLoad>,
    /// Closed-loop load before the first phase, not counted.
    pub warm_up_seconds: f64,
    #[serde(rename = "phase")]
    pub phases: Vec<LoadPhase>,
}

/// Stands in a path and in a body for a number that differs from request to request.
pub(crate) const NUMBER: &str = "{n}";

/// A GET over HTTP/1.1, and its answer. In both a parameter's name in braces stands for its value, and `{n}` for a whole number from 1 to
/// `numbers`, another one for each request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpLoad {
    pub path: String,
    /// The body of the answer, byte for byte.
    pub body: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbers: Option<u32>,
}

impl HttpLoad {
    /// The names that stand in braces, `{n}` aside. What is in braces and no name, as all of JSON, stands for itself.
    pub fn parameters(&self, text: &str) -> BTreeSet<String> {
        let starts = text.match_indices('{').map(|(at, _)| &text[at + 1..]);
        let is_name = |name: &&str| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && *name != "n"
        };
        starts
            .filter_map(|rest| rest.split_once('}').map(|(name, _)| name).filter(is_name))
            .map(str::to_owned)
            .collect()
    }

    fn check(&self) -> Result<()> {
        ensure!(
            self.path.starts_with('/') && !self.path.contains(char::is_whitespace),
            "`load.http.path` is `{}`: a path begins with `/` and has no blanks",
            self.path
        );
        ensure!(
            self.numbers != Some(0) && self.numbers.is_some() == (self.path.contains(NUMBER)),
            "`load.http.numbers`, at least 1, belongs to a path with `{NUMBER}`, and to that only"
        );
        Ok(())
    }
}

/// The peer that a client under test talks to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DelayServer {
    /// Name of the parameter that holds the delay before each answer, in milliseconds.
    pub delay: String,
    /// Whether it speaks HTTPS; then `{ca}` is an argument too, the file of the authority that signed its certificate.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tls: bool,
}

/// Which core each party runs on, as an index into the cores this process may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoreMap {
    pub program: usize,
    /// The load generator, or the server that a client under test asks.
    pub peer: usize,
    /// Services; every core without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    title: String,
    /// Counted rounds in a session; one more is run before them and discarded.
    rounds: u32,
    timeout_seconds: f64,
    #[serde(default)]
    control: Option<String>,
    #[serde(default)]
    services: Vec<Service>,
    #[serde(default)]
    cores: Option<CoreMap>,
    #[serde(default)]
    parameters: BTreeMap<String, Parameter>,
    #[serde(default)]
    load: Option<Load>,
    #[serde(default)]
    delay_server: Option<DelayServer>,
    #[serde(rename = "program")]
    programs: Vec<Program>,
    #[serde(rename = "metric")]
    metrics: Vec<Metric>,
}

/// One experiment: its manifest, and where it lies.
#[derive(Debug, Clone)]
pub struct Experiment {
    pub id: String,
    /// The folder that holds the manifest and the programs.
    pub folder: PathBuf,
    pub title: String,
    /// Counted rounds in a session; one more is run before them and discarded.
    pub rounds: u32,
    pub timeout_seconds: f64,
    /// The program that runs twice in every round: its ratio to itself must come out as 1.
    pub control: String,
    pub services: Vec<Service>,
    pub cores: Option<CoreMap>,
    pub parameters: BTreeMap<String, Parameter>,
    pub load: Option<Load>,
    pub delay_server: Option<DelayServer>,
    pub programs: Vec<Program>,
    pub metrics: Vec<Metric>,
}

impl Experiment {
    /// Every experiment below `examples/`, by name.
    pub fn all(root: &Path) -> Result<Vec<Experiment>> {
        let examples = root.join("examples");
        let mut found = Vec::new();
        let entries = std::fs::read_dir(&examples).with_context(|| format!("cannot read {}", examples.display()))?;
        for entry in entries {
            let folder = entry?.path();
            if folder.join("experiment.toml").is_file() {
                found.push(Experiment::read(&folder)?);
            }
        }
        found.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(found)
    }

    /// Reads and checks one manifest.
    pub fn read(folder: &Path) -> Result<Experiment> {
        let path = folder.join("experiment.toml");
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let id = folder
            .file_name()
            .and_then(|name| name.to_str())
            .with_context(|| format!("{} has no usable name", folder.display()))?
            .to_owned();
        Experiment::parse(&id, folder, &text).with_context(|| format!("in {}", path.display()))
    }

    fn parse(id: &str, folder: &Path, text: &str) -> Result<Experiment> {
        let manifest: Manifest = toml::from_str(text).map_err(|error| brief(error, text))?;
        let first = manifest.programs.first().map(|program| program.id.clone());
        let experiment = Experiment {
            id: id.to_owned(),
            folder: folder.to_owned(),
            title: manifest.title,
            rounds: manifest.rounds,
            timeout_seconds: manifest.timeout_seconds,
            control: manifest.control.or(first).context("there is no program")?,
            services: manifest.services,
            cores: manifest.cores,
            parameters: manifest.parameters,
            load: manifest.load,
            delay_server: manifest.delay_server,
            programs: manifest.programs,
            metrics: manifest.metrics,
        };
        experiment.check()?;
        Ok(experiment)
    }

    fn check(&self) -> Result<()> {
        ensure!(self.rounds >= 1, "`rounds` must be at least 1");
        ensure!(
            self.timeout_seconds > 0.0 && self.timeout_seconds.is_finite(),
            "`timeout_seconds` must be a positive number"
        );
        unique("program", self.programs.iter().map(|p| &p.id))?;
        unique("metric", self.metrics.iter().map(|m| &m.id))?;
        for name in self
            .programs
            .iter()
            .map(|p| &p.id)
            .chain(self.metrics.iter().map(|m| &m.id))
        {
            ensure!(
                !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_'),
                "`{name}`: names are made of letters, digits, `-` and `_`, since directives spell them"
            );
        }
        ensure!(
            self.load.is_none() || self.delay_server.is_none(),
            "an experiment measures servers (`[load]`) or clients (`[delay_server]`), not both"
        );
        ensure!(
            self.cores.is_some() || (self.load.is_none() && self.delay_server.is_none()),
            "`[cores]` is missing: say which core the program and its peer run on"
        );
        if let Some(load) = &self.load {
            self.parameter(&load.connections)?;
            match (&load.message_bytes, &load.http) {
                (Some(bytes), None) => {
                    self.parameter(bytes)?;
                }
                (None, Some(http)) => {
                    http.check()?;
                    for name in http.parameters(&http.path).union(&http.parameters(&http.body)) {
                        self.parameter(name)?;
                    }
                }
                _ => bail!("`[load]` needs `message_bytes`, for a server that echoes, or `[load.http]`, and not both"),
            }
            ensure!(!load.phases.is_empty(), "`[load]` has no `[[load.phase]]`");
            for phase in &load.phases {
                ensure!(
                    phase.seconds > 0.0,
                    "load phase `{}`: `seconds` must be positive",
                    phase.name
                );
                if let Some(rate) = &phase.rate {
                    self.parameter(rate)?;
                }
            }
        }
        if let Some(server) = &self.delay_server {
            self.parameter(&server.delay)?;
        }
        ensure!(
            self.program(&self.control).is_some(),
            "`control` names `{}`, which is no program of the experiment",
            self.control
        );
        for (name, parameter) in self.swept() {
            ensure!(
                parameter.sweep.is_sorted_by(|a, b| a < b) && parameter.sweep.contains(&parameter.value),
                "parameter `{name}`: `sweep` must increase, and hold the parameter's own `value`"
            );
        }
        for program in &self.programs {
            for file in program.sources() {
                ensure!(
                    self.folder.join(file).is_file(),
                    "program `{}`: there is no file {}",
                    program.id,
                    self.folder.join(file).display()
                );
            }
            for name in program.parameters.keys() {
                ensure!(
                    self.parameter(name)?.sweep.is_empty(),
                    "program `{}`: `{name}` is swept, so no program has a value of its own for it; limit it by `at_most`",
                    program.id
                );
            }
            for (name, most) in &program.at_most {
                let parameter = self.parameter(name)?;
                ensure!(
                    parameter.sweep.contains(most) && *most >= parameter.value,
                    "program `{}`: `at_most.{name}` must be one of the values that `{name}` is swept through, and not below its own",
                    program.id
                );
            }
            ensure!(
                program.python == DEFAULT_PYTHON || program.language == Language::Python,
                "program `{}`: `python` is for Python programs",
                program.id
            );
            ensure!(
                program.extension.is_none()
                    || (program.language == Language::Python && program.python != "free-threaded"),
                "program `{}`: `extension` is for Python programs, and not for free-threaded Python",
                program.id
            );
            for file in program.extension_sources() {
                ensure!(
                    self.folder.join(&file).is_file(),
                    "program `{}`: its extension has no file {}",
                    program.id,
                    self.folder.join(&file).display()
                );
            }
            self.arguments(program, &Purpose::base(), &Addresses::default())?;
        }
        for metric in &self.metrics {
            metric.check_count(self.load.is_some())?;
            ensure!(
                (metric.quantity == Quantity::MemorySlope) == metric.over.is_some(),
                "metric `{}`: `over` names the swept parameter of a `memory_slope`, and only of that",
                metric.id
            );
            if let Some(over) = &metric.over {
                ensure!(
                    self.parameter(over)?.sweep.len() >= 2,
                    "metric `{}`: `{over}` has no `sweep` to take a slope over",
                    metric.id
                );
            }
            if metric.quantity == Quantity::Excess {
                for program in &self.programs {
                    ensure!(
                        program.ideal.contains_key(&metric.phase),
                        "metric `{}` is an excess, but program `{}` names no `ideal.{}`",
                        metric.id,
                        program.id,
                        metric.phase
                    );
                }
            }
        }
        Ok(())
    }

    pub fn program(&self, id: &str) -> Option<&Program> {
        self.programs.iter().find(|p| p.id == id)
    }

    pub fn metric(&self, id: &str) -> Option<&Metric> {
        self.metrics.iter().find(|m| m.id == id)
    }

    /// The metric that says whether an experiment is measured well: the first that is positive and compared by ratios. Counts say nothing
    /// of how well it was measured.
    pub fn principal(&self) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.quantity.is_ratio_scale())
    }

    fn parameter(&self, name: &str) -> Result<&Parameter> {
        self.parameters
            .get(name)
            .with_context(|| format!("there is no parameter `{name}`"))
    }

    /// Parameters that are swept, by name.
    pub fn swept(&self) -> impl Iterator<Item = (&String, &Parameter)> {
        self.parameters
            .iter()
            .filter(|(_, parameter)| !parameter.sweep.is_empty())
    }

    /// Every point of the experiment: the base, then each swept parameter's other values.
    pub fn points(&self) -> Vec<Point> {
        let others = self.swept().flat_map(|(name, parameter)| {
            let values = parameter.sweep.iter().filter(|value| **value != parameter.value);
            values.map(|value| Point::at(name, *value))
        });
        std::iter::once(Point::base()).chain(others).collect()
    }

    /// The point at which a parameter has a value, if the experiment runs there.
    pub fn point(&self, parameter: &str, value: f64) -> Option<Point> {
        let known = self.parameters.get(parameter)?;
        if value == known.value {
            return Some(Point::base());
        }
        known.sweep.contains(&value).then(|| Point::at(parameter, value))
    }

    /// Whether a program runs at a point.
    pub fn runs_at(&self, program: &Program, point: &Point) -> bool {
        program
            .at_most
            .iter()
            .all(|(name, most)| point.get(name).is_none_or(|value| value <= *most))
    }

    /// Runs in one round: every program at every point it runs at, and the control once more.
    pub fn runs_per_round(&self) -> usize {
        let points = self.points();
        let runs = |program: &Program| points.iter().filter(|point| self.runs_at(program, point)).count();
        self.programs.iter().map(runs).sum::<usize>() + 1
    }

    /// The value of a parameter for one program (or for all, without one).
    pub fn value(&self, name: &str, program: Option<&Program>, purpose: &Purpose) -> Result<f64> {
        let parameter = self.parameter(name)?;
        let asked = match purpose {
            Purpose::Verify => parameter.verify,
            Purpose::Timed(point) => point.get(name),
        };
        Ok(asked
            .or_else(|| program.and_then(|p| p.parameters.get(name).copied()))
            .unwrap_or(parameter.value))
    }

    /// The program's arguments with every `{parameter}` and every address filled in.
    pub fn arguments(&self, program: &Program, purpose: &Purpose, addresses: &Addresses) -> Result<Vec<String>> {
        program
            .arguments
            .iter()
            .map(|argument| {
                let Some(name) = argument.strip_prefix('{').and_then(|a| a.strip_suffix('}')) else {
                    ensure!(
                        !argument.contains('{'),
                        "program `{}`: `{argument}`: a parameter must be an argument of its own",
                        program.id
                    );
                    return Ok(argument.clone());
                };
                let of_peer = name == "base" || (name == "ca" && self.delay_server.as_ref().is_some_and(|s| s.tls));
                if of_peer || self.services.iter().any(|service| service.name() == name) {
                    // Without a peer, when the manifest is checked, the name stands for itself.
                    return Ok(addresses.0.get(name).unwrap_or(argument).clone());
                }
                Ok(self.value(name, Some(program), purpose)?.to_string())
            })
            .collect()
    }
}

/// Whether a run checks answers at a small size or is timed at a point of the experiment.
#[derive(Debug, Clone, PartialEq)]
pub enum Purpose {
    Verify,
    Timed(Point),
}

impl Purpose {
    /// Timed with every parameter at its own value.
    pub fn base() -> Purpose {
        Purpose::Timed(Point::base())
    }
}

/// Where a program finds those it talks to: `base` is the HTTP server of a client under test, `ca` the file of the authority to trust
/// where that is an HTTPS server; services go by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addresses(pub BTreeMap<String, String>);

/// What is wrong with the form of a manifest, with the line that it is in, unless that is too long to be read.
fn brief(error: toml::de::Error, text: &str) -> anyhow::Error {
    const SHOWN: usize = 1000;
    if error.to_string().len() <= SHOWN {
        return error.into();
    }
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = 1 + before.matches('\n').count();
    let message: String = error.message().chars().take(SHOWN).collect();
    anyhow!("line {line}: {message}")
}

fn unique<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> Result<()> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            bail!("{what} `{name}` is declared twice");
        }
    }
    ensure!(!seen.is_empty(), "there is no {what}");
    Ok(())
}

impl Program {
    /// Every source file that makes up the program, relative to the experiment's folder.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.file).chain(&self.imports).map(String::as_str)
    }

    /// What its extension module is made of, relative to the same folder.
    pub(crate) fn extension_sources(&self) -> impl Iterator<Item = String> {
        self.extension
            .iter()
            .flat_map(|folder| EXTENSION_SOURCES.iter().map(move |file| format!("{folder}/{file}")))
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Language::Python => "Python",
            Language::Rust => "Rust",
            Language::Go => "Go",
            Language::Node => "Node.js",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &str = r#"
        title = "t"
        rounds = 1
        timeout_seconds = 5
        [parameters.nap]
        value = 1000
        unit = "milliseconds"
        verify = 10
        [[program]]
        id = "a"
        label = "A"
        language = "python"
        file = "experiment.rs"
        arguments = ["--nap", "{nap}"]
        [[metric]]
        id = "m"
        label = "M"
        quantity = "seconds"
        phase = "p"
    "#;

    const LOAD: &str = r#"
        [load]
        connections = "nap"
        message_bytes = "nap"
        warm_up_seconds = 1
        [[load.phase]]
        name = "p"
        seconds = 1
        "#;

    fn parse(text: &str) -> Result<Experiment> {
        Experiment::parse("x", &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), text)
    }

    #[test]
    fn a_line_of_any_length_is_not_thrown_back_whole() {
        for wrong in [
            format!("title = \"{}", "a".repeat(60_000)),
            format!("{} = 1", "a".repeat(60_000)),
        ] {
            let error = format!("{:#}", parse(&format!("rounds = 1\n{wrong}\n")).unwrap_err());
            assert!(error.starts_with("line 2: ") && error.len() < 2_000, "{error:.200}");
        }
        // One that can be read is shown with the place in it.
        let error = format!("{:#}", parse("rounds = none\n").unwrap_err());
        assert!(error.contains("1 | rounds = none\n"), "{error}");
    }

    #[test]
    fn arguments_take_the_small_size_only_when_verifying() {
        let experiment = parse(MINIMAL).unwrap();
        let program = &experiment.programs[0];
        let none = Addresses::default();
        let timed = experiment.arguments(program, &Purpose::base(), &none).unwrap();
        let verify = experiment.arguments(program, &Purpose::Verify, &none).unwrap();
        assert_eq!(timed, ["--nap", "1000"]);
        assert_eq!(verify, ["--nap", "10"]);
    }

    #[test]
    fn a_sweep_varies_one_parameter_and_leaves_the_others() {
        let swept = MINIMAL
            .replace("verify = 10", "verify = 10\nsweep = [10, 1000, 5000]")
            .replace("arguments =", "at_most = { nap = 1000 }\narguments =");
        let experiment = parse(&swept).unwrap();
        let points = experiment.points();
        assert_eq!(
            points,
            [Point::base(), Point::at("nap", 10.0), Point::at("nap", 5000.0)]
        );
        assert_eq!(experiment.point("nap", 1000.0), Some(Point::base()));
        assert_eq!(experiment.point("nap", 11.0), None);
        let program = &experiment.programs[0];
        let runs_at: Vec<bool> = points.iter().map(|p| experiment.runs_at(program, p)).collect();
        assert_eq!(runs_at, [true, true, false]);
        assert_eq!(experiment.runs_per_round(), 3);
        let arguments = experiment.arguments(program, &Purpose::Timed(points[1].clone()), &Addresses::default());
        assert_eq!(arguments.unwrap(), ["--nap", "10"]);
    }

    /// The same with a count for its metric.
    fn counting(more: &str) -> String {
        let count = format!("quantity = \"count\"\nof = \"polls\"\n{more}");
        MINIMAL.replace("quantity = \"seconds\"", &count)
    }

    #[test]
    fn a_count_has_a_unit_of_its_own_and_is_never_the_principal_metric() {
        let unit = |more: &str| parse(&counting(more)).unwrap().metrics[0].unit();
        assert_eq!(unit(""), Unit::Count);
        assert_eq!(unit("unit = \"bytes\"\nper_work = true"), Unit::Bytes);
        assert_eq!(parse(&counting("")).unwrap().principal(), None);
        let also = format!(
            "{}\n[[metric]]\nid = \"s\"\nlabel = \"S\"\nquantity = \"seconds\"\nphase = \"p\"",
            counting("")
        );
        assert_eq!(parse(&also).unwrap().principal().unwrap().id, "s");
    }

    /// The same with a server that speaks HTTP.
    fn http(question: &str) -> String {
        let load = LOAD.replace("message_bytes = \"nap\"", &format!("http = {question}"));
        MINIMAL
            .replace("rounds = 1", "rounds = 1\ncores = { program = 0, peer = 1 }")
            .replace("[[program]]", &format!("{load}[[program]]"))
    }

    #[test]
    fn json_in_an_answer_is_no_parameter() {
        let text =
            http(r#"{ path = "/{n}/{nap}", body = '{"id":{n},"inner":{"nap":{nap}},"empty":{}}', numbers = 3 }"#);
        let experiment = parse(&text).unwrap();
        let http = experiment.load.unwrap().http.unwrap();
        assert_eq!(http.parameters(&http.body), BTreeSet::from(["nap".to_owned()]));
    }

    #[test]
    fn a_wrong_manifest_says_what_is_wrong() {
        let cases = [
            (MINIMAL.replace("{nap}", "{nup}"), "no parameter `nup`"),
            (MINIMAL.replace("experiment.rs", "none.py"), "there is no file"),
            (
                MINIMAL.replace("quantity = \"seconds\"", "quantity = \"excess\""),
                "ideal.p",
            ),
            (MINIMAL.replace("rounds = 1", "rounds = 0"), "at least 1"),
            (MINIMAL.replace("id = \"a\"", "id = \"a.b\""), "letters, digits"),
            (MINIMAL.replace("rounds = 1", "rounds = 1\nround = 2"), "unknown field"),
            (
                MINIMAL.replace("rounds = 1", "rounds = 1\ncontrol = \"b\""),
                "`control` names `b`",
            ),
            (
                MINIMAL.replace("verify = 10", "sweep = [1, 2]"),
                "must increase, and hold",
            ),
            (
                MINIMAL.replace("label = \"M\"", "label = \"M\"\nover = \"nap\""),
                "`over` names",
            ),
            (
                MINIMAL.replace("label = \"M\"", "label = \"M\"\nof = \"polls\""),
                "are for `quantity = \"count\"`",
            ),
            (
                MINIMAL.replace("quantity = \"seconds\"", "quantity = \"count\""),
                "`of` names it",
            ),
            (
                counting("").replace("phase = \"p\"", ""),
                "`phase` names the phase that it is reported with",
            ),
            (counting("unit = \"seconds\""), "is `bytes` or `count`"),
            (
                counting("")
                    .replace("rounds = 1", "rounds = 1\ncores = { program = 0, peer = 1 }")
                    .replace("[[program]]", &format!("{LOAD}[[program]]")),
                "the load generator, which reports no counts",
            ),
            (
                MINIMAL
                    .replace("rounds = 1", "rounds = 1\ncores = { program = 0, peer = 1 }")
                    .replace(
                        "[[program]]",
                        &format!("{}[[program]]", LOAD.replace("message_bytes = \"nap\"", "")),
                    ),
                "needs `message_bytes`",
            ),
            (http("{ path = \"x\", body = \"\" }"), "begins with `/`"),
            (http("{ path = \"/{n}\", body = \"\" }"), "belongs to a path with `{n}`"),
            (http("{ path = \"/{nup}\", body = \"\" }"), "no parameter `nup`"),
        ];
        for (text, expected) in cases {
            let error = format!("{:#}", parse(&text).unwrap_err());
            assert!(error.contains(expected), "expected `{expected}` in `{error}`");
        }
    }

    mod properties {
        use proptest::prelude::*;

        use super::*;

        /// What stands in the place of a value, or of a whole line.
        const VALUES: &[&str] = &[
            "0",
            "-1",
            "1e308",
            "nan",
            "inf",
            "9223372036854775807",
            "\"\"",
            "\"{nap}\"",
            "\"{\"",
            "\"../../x\"",
            "\"é\\u0000\"",
            "[]",
            "[1, 2]",
            "{}",
            "true",
            "\"count\"",
            "\"latency_p99\"",
            "1979-05-27",
            "\"\"\"a\nb\"\"\"",
        ];

        #[derive(Debug, Clone)]
        enum Change {
            Remove(usize),
            Repeat(usize),
            Value(usize, &'static str),
            Cut(usize),
        }

        fn change() -> impl Strategy<Value = Change> {
            prop_oneof![
                any::<usize>().prop_map(Change::Remove),
                any::<usize>().prop_map(Change::Repeat),
                (any::<usize>(), prop::sample::select(VALUES.to_vec()))
                    .prop_map(|(at, value)| Change::Value(at, value)),
                any::<usize>().prop_map(Change::Cut),
            ]
        }

        fn changed(text: &str, changes: &[Change]) -> String {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            for change in changes {
                if lines.is_empty() {
                    break;
                }
                match change {
                    Change::Remove(at) => {
                        lines.remove(at % lines.len());
                    }
                    Change::Repeat(at) => {
                        let line = lines[at % lines.len()].clone();
                        lines.push(line);
                    }
                    Change::Value(at, value) => {
                        let at = at % lines.len();
                        if let Some((key, _)) = lines[at].split_once('=') {
                            lines[at] = format!("{key}= {value}");
                        }
                    }
                    Change::Cut(at) => {
                        let text = lines.join("\n");
                        let cut = (0..=at % (text.len() + 1))
                            .rev()
                            .find(|cut| text.is_char_boundary(*cut));
                        lines = text[..cut.unwrap_or(0)].lines().map(str::to_owned).collect();
                    }
                }
            }
            lines.join("\n")
        }

        proptest! {
            #![proptest_config(ProptestConfig::with_cases(2000))]

            #[test]
            fn a_manifest_with_mistakes_is_refused_in_words(load in any::<bool>(), changes in prop::collection::vec(change(), 1..6)) {
                let text = match load {
                    true => format!("{MINIMAL}{LOAD}"),
                    false => MINIMAL.to_owned(),
                };
                match parse(&changed(&text, &changes)) {
                    // What is taken can be run: its arguments can be filled in at every point.
                    Ok(experiment) => {
                        prop_assert!(!experiment.programs.is_empty());
                        prop_assert!(experiment.points().len() < 10_000);
                    }
                    Err(error) => {
                        let words = format!("{error:#}");
                        prop_assert!(!words.is_empty());
                    }
                }
            }
        }
    }
}
