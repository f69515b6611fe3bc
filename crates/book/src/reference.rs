//! Names in directives - `tcp-echo.tokio/asyncio.cpu` - and what they stand for in the library.

use measure::experiment::{Experiment, Metric, Parameter, Point, Program, Purpose, Unit};
use measure::library::{Entry, Library, Measured};
use measure::results::{Bound, Missing};
use measure::statistics::Estimate;

use crate::number::Kind;

/// What is wrong with a directive. Its place is for the caller to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub message: String,
    pub help: String,
}

impl Problem {
    pub fn new(message: impl Into<String>, help: impl Into<String>) -> Problem {
        Problem {
            message: message.into(),
            help: help.into(),
        }
    }

    /// There is no such name: says what there is instead, the likeliest first.
    pub fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Problem {
        let known: Vec<&str> = known.into_iter().collect();
        let likeliest = known
            .iter()
            .map(|other| (strsim::osa_distance(name, other), other))
            .filter(|(distance, _)| *distance <= 1 + name.chars().count() / 3)
            .min_by_key(|(distance, _)| *distance);
        let all = known.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
        Problem {
            message: format!("there is no {what} `{name}`"),
            help: match likeliest {
                Some((_, other)) if known.len() > 1 => {
                    format!("did you mean `{other}`? There are {all}")
                }
                Some((_, other)) => format!("did you mean `{other}`?"),
                None if known.is_empty() => format!("there is no {what} at all yet"),
                None => format!("there are {all}"),
            },
        }
    }
}

/// Why there is no value to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmeasured {
    /// There are no results of this experiment.
    Never,
    /// The program is not the one that was measured.
    Stale,
    /// The results do not hold it; says why.
    Missing(String),
    /// The results are there, but what was asked for is a slope, and they do not lie on a rising line; says it at length.
    NoSlope(String),
    /// The results are there, but what was asked for is a ratio, or a mean of ratios, and one of the values is zero; says which.
    Zero(String),
}

impl Unmeasured {
    /// What stands for a value that measuring once more would hardly give, in words of the interface.
    pub fn unknowable(&self) -> Option<&'static str> {
        match self {
            Unmeasured::NoSlope(_) => Some("not known: the values do not lie on a rising line"),
            Unmeasured::Zero(_) => Some("not known: a value came out as zero, of which there is no ratio"),
            Unmeasured::Never | Unmeasured::Stale | Unmeasured::Missing(_) => None,
        }
    }
}

/// A metric of one program, or of two as a ratio.
#[derive(Debug, Clone)]
pub struct Reference<'a> {
    pub entry: &'a Entry,
    /// Where in the experiment's sweeps.
    pub point: Point,
    pub metric: &'a Metric,
    pub program: &'a Program,
    /// What the value of `program` is divided by.
    pub over: Option<&'a Program>,
}

impl<'a> Reference<'a> {
    /// Reads `EXPERIMENT.PROGRAM.METRIC` or `EXPERIMENT.A/B.METRIC`, the experiment followed by `@PARAMETER=VALUE` for another point of a
    /// sweep than its base.
    pub fn parse(text: &str, library: &'a Library) -> Result<Reference<'a>, Problem> {
        let Parts {
            experiment: name,
            at,
            programs,
            metric,
        } = Parts::split(text).ok_or_else(|| {
            Problem::new(
                format!("`{text}` is not the name of a value"),
                "write `EXPERIMENT.PROGRAM.METRIC`, or `EXPERIMENT.A/B.METRIC` for the ratio of two programs; for a value of a sweep \
                 `EXPERIMENT@PARAMETER=VALUE` stands for `EXPERIMENT`",
            )
        })?;
        let entry = experiment(name, library)?;
        let (first, second) = match programs.split_once('/') {
            Some((first, second)) => (first, Some(second)),
            None => (programs, None),
        };
        let reference = Reference {
            entry,
            metric: self::metric(metric, &entry.experiment)?,
            program: program(first, &entry.experiment)?,
            over: second.map(|id| program(id, &entry.experiment)).transpose()?,
            point: match at {
                Some((parameter, value)) => point(parameter, value, &entry.experiment)?,
                None => Point::base(),
            },
        };
        if let Some((parameter, value)) = at {
            reference.check_point(parameter, value)?;
        }
        if let Some(over) = reference.over {
            if over.id == reference.program.id {
                return Err(Problem::new(
                    format!("`{text}` compares `{}` with itself", over.id),
                    "name two programs",
                ));
            }
            if !reference.metric.quantity.has_ratios() {
                return Err(Problem::new(
                    format!("`{metric}` is not compared by ratios: its values may be zero"),
                    "state the two values instead",
                ));
            }
        }
        Ok(reference)
    }

    pub fn kind(&self) -> Kind {
        match self.over {
            Some(_) => Kind::Ratio,
            None => Kind::Unit(self.metric.unit()),
        }
    }

    /// On the machine that is shown first.
    pub fn estimate(&self) -> Result<Estimate, Unmeasured> {
        self.estimate_on(self.entry.measured.as_ref().ok_or(Unmeasured::Never)?)
    }

    pub fn estimate_on(&self, measured: &Measured) -> Result<Estimate, Unmeasured> {
        let programs = std::iter::once(self.program).chain(self.over);
        if programs.into_iter().any(|program| is_stale(measured, &program.id)) {
            return Err(Unmeasured::Stale);
        }
        let (experiment, metric) = (&self.entry.experiment, &self.metric.id);
        match self.over {
            None => measured
                .results
                .estimate(experiment, &self.program.id, metric, &self.point),
            Some(over) => measured
                .results
                .ratio(experiment, &self.program.id, &over.id, metric, &self.point),
        }
        .map_err(|missing| match missing {
            Missing::NoSlope { .. } => Unmeasured::NoSlope(missing.to_string()),
            Missing::Zero { .. } => Unmeasured::Zero(missing.to_string()),
            _ => Unmeasured::Missing(missing.to_string()),
        })
    }

    /// From which value to which it goes over all machines with results, and how many they are, if they are two or more.
    pub fn range(&self) -> Option<(usize, f64, f64)> {
        // A reader's own results may stand beside published ones of the same machine; it counts once.
        let mut machines = std::collections::BTreeMap::new();
        for measured in self.entry.measured.iter().chain(&self.entry.others) {
            if let Ok(estimate) = self.estimate_on(measured) {
                machines
                    .entry(measured.results.machine.id.as_str())
                    .or_insert(estimate.value);
            }
        }
        let values = || machines.values().copied();
        (machines.len() >= 2).then_some(())?;
        Some((machines.len(), values().reduce(f64::min)?, values().reduce(f64::max)?))
    }

    /// That there is something to be known at the point.
    fn check_point(&self, parameter: &str, value: &str) -> Result<(), Problem> {
        let experiment = &self.entry.experiment;
        if let Some(over) = &self.metric.over {
            return Err(Problem::new(
                format!(
                    "`{}` is the slope over all values of `{over}`: it has none at one of them",
                    self.metric.id
                ),
                format!("leave out `@{parameter}={value}`"),
            ));
        }
        for program in std::iter::once(self.program).chain(self.over) {
            if !experiment.runs_at(program, &self.point) {
                let runs = swept(parameter, experiment)?.iter().copied().filter(|value| {
                    let point = experiment.point(parameter, *value);
                    point.is_some_and(|point| experiment.runs_at(program, &point))
                });
                return Err(Problem::new(
                    format!("`{}` is not run at {parameter}={value}", program.id),
                    format!("`at_most` in experiment.toml leaves it the values {}", listed(runs)),
                ));
            }
        }
        Ok(())
    }
}

/// A reference cut into its names.
struct Parts<'a> {
    experiment: &'a str,
    /// Parameter and value.
    at: Option<(&'a str, &'a str)>,
    programs: &'a str,
    metric: &'a str,
}

impl<'a> Parts<'a> {
    fn split(text: &'a str) -> Option<Parts<'a>> {
        let (head, metric) = text.rsplit_once('.')?;
        let (head, programs) = head.rsplit_once('.')?;
        let (experiment, at) = match head.split_once('@') {
            // The value may hold a point of its own.
            Some((experiment, at)) => (experiment, Some(at.split_once('=')?)),
            None => (head, None),
        };
        let names = [experiment, programs, metric];
        (!names.iter().any(|name| name.contains(['.', '@', '=']))).then_some(Parts {
            experiment,
            at,
            programs,
            metric,
        })
    }
}

/// The values that a parameter is swept through.
pub fn swept<'a>(parameter: &str, experiment: &'a Experiment) -> Result<&'a [f64], Problem> {
    let declared = declared(parameter, experiment)?;
    if declared.sweep.len() < 2 {
        let others: Vec<String> = experiment
            .swept()
            .filter(|(_, other)| other.sweep.len() >= 2)
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        return Err(Problem::new(
            format!("`{parameter}` of `{}` is not swept: it has one value", experiment.id),
            match others.is_empty() {
                true => "give it a `sweep` in experiment.toml, and measure".to_owned(),
                false => format!(
                    "swept are {}; or give it a `sweep` in experiment.toml, and measure",
                    others.join(", ")
                ),
            },
        ));
    }
    Ok(&declared.sweep)
}

/// The point at which a parameter has the value that a directive writes.
fn point(parameter: &str, text: &str, experiment: &Experiment) -> Result<Point, Problem> {
    let sweep = swept(parameter, experiment)?;
    let is_plain = text.chars().all(|c| c.is_ascii_digit() || c == '.');
    let value = text.parse().ok().filter(|_| is_plain).ok_or_else(|| {
        Problem::new(
            format!("`{text}` is not a value of `{parameter}`"),
            "write one parameter and its value in digits, as in `@connections=1000` or `@load=0.5`",
        )
    })?;
    experiment.point(parameter, value).ok_or_else(|| {
        Problem::new(
            format!("`{}` is not run at {parameter}={text}", experiment.id),
            format!("`{parameter}` is swept through {}", listed(sweep.iter().copied())),
        )
    })
}

fn listed(values: impl Iterator<Item = f64>) -> String {
    values.map(|value| value.to_string()).collect::<Vec<_>>().join(", ")
}

/// Whether a program was changed, added or given other parameters after it was measured.
pub fn is_stale(measured: &Measured, program: &str) -> bool {
    measured.stale.iter().any(|stale| stale == program)
}

pub fn experiment<'a>(name: &str, library: &'a Library) -> Result<&'a Entry, Problem> {
    library.get(name).ok_or_else(|| {
        let known = library.entries.iter().map(|entry| entry.experiment.id.as_str());
        Problem::unknown("experiment", name, known)
    })
}

pub fn metric<'a>(id: &str, experiment: &'a Experiment) -> Result<&'a Metric, Problem> {
    experiment.metric(id).ok_or_else(|| {
        let known = experiment.metrics.iter().map(|metric| metric.id.as_str());
        Problem::unknown(&format!("metric in `{}`", experiment.id), id, known)
    })
}

pub fn program<'a>(id: &str, experiment: &'a Experiment) -> Result<&'a Program, Problem> {
    experiment.program(id).ok_or_else(|| {
        let known = experiment.programs.iter().map(|program| program.id.as_str());
        Problem::unknown(&format!("program in `{}`", experiment.id), id, known)
    })
}

fn declared<'a>(parameter: &str, experiment: &'a Experiment) -> Result<&'a Parameter, Problem> {
    experiment.parameters.get(parameter).ok_or_else(|| {
        let known = experiment.parameters.keys().map(String::as_str);
        Problem::unknown(&format!("parameter in `{}`", experiment.id), parameter, known)
    })
}

/// The value and unit behind `EXPERIMENT.PARAMETER` or `EXPERIMENT.PROGRAM.PARAMETER`.
pub fn parameter(text: &str, library: &Library) -> Result<(f64, Unit), Problem> {
    let parts: Vec<&str> = text.split('.').collect();
    let (name, of_program, parameter) = match parts[..] {
        [name, parameter] => (name, None, parameter),
        [name, program, parameter] => (name, Some(program), parameter),
        _ => {
            return Err(Problem::new(
                format!("`{text}` is not the name of a parameter"),
                "write `EXPERIMENT.PARAMETER`, or `EXPERIMENT.PROGRAM.PARAMETER` for what one program is given",
            ));
        }
    };
    let experiment = &experiment(name, library)?.experiment;
    let of_program = of_program.map(|id| program(id, experiment)).transpose()?;
    let declared = declared(parameter, experiment)?;
    let value = experiment
        .value(parameter, of_program, &Purpose::base())
        .map_err(|error| Problem::new(format!("{error:#}"), ""))?;
    Ok((value, declared.unit))
}

impl Reference<'_> {
    /// Whether the value is only a bound of what was asked for; see [`measure::results::Bound`]. On the machine that is shown first.
    pub fn bound(&self) -> Option<Bound> {
        self.bound_on(self.entry.measured.as_ref()?)
    }

    pub fn bound_on(&self, measured: &Measured) -> Option<Bound> {
        let results = &measured.results;
        let (experiment, metric, point) = (&self.entry.experiment, &self.metric.id, &self.point);
        match self.over {
            None => results.bound(experiment, &self.program.id, metric, point),
            Some(over) => results.ratio_bound(experiment, &self.program.id, &over.id, metric, point),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn names_are_resolved() {
        let library = fixture::library();
        let single = Reference::parse("echo.tokio.cpu", &library).unwrap();
        assert_eq!(single.kind(), Kind::Unit(Unit::Seconds));
        assert_eq!(single.estimate().unwrap().sessions, 3);
        let ratio = Reference::parse("echo.asyncio/tokio.cpu", &library).unwrap();
        assert_eq!(ratio.kind(), Kind::Ratio);
        assert!((ratio.estimate().unwrap().value - 4.0).abs() < 0.2);
        assert_eq!(parameter("echo.connections", &library), Ok((200.0, Unit::Count)));
        assert_eq!(parameter("echo.tokio.connections", &library), Ok((200.0, Unit::Count)));
        assert_eq!(parameter("echo.asyncio.connections", &library), Ok((50.0, Unit::Count)));
    }

    #[test]
    fn a_point_of_a_sweep_has_values_of_its_own() {
        let library = fixture::library();
        let value = |name: &str| Reference::parse(name, &library).unwrap().estimate().unwrap().value;
        let base = value("echo.tokio.cpu");
        assert!((value("echo@clients=1000.tokio.cpu") / base - 2.0).abs() < 1e-9);
        assert!((value("echo@clients=1000.asyncio/tokio.cpu") - value("echo.asyncio/tokio.cpu")).abs() < 1e-9);
        // The parameter's own value is the base, however it is spelt.
        assert_eq!(value("echo@clients=100.tokio.cpu"), base);
        assert_eq!(value("echo@clients=100.0.tokio.cpu"), base);
        // 5 MB, and 2 kB for each client, whatever the point.
        assert!((value("echo.tokio.per_client") - 2000.0).abs() < 1e-6);
    }

    #[test]
    fn a_point_that_is_not_run_is_answered_with_those_that_are() {
        let library = fixture::library();
        let cases = [
            (
                "echo@clint=10.tokio.cpu",
                "no parameter in `echo` `clint`",
                "did you mean `clients`?",
            ),
            (
                "echo@nap=10.tokio.cpu",
                "`nap` of `echo` is not swept",
                "swept are `clients`",
            ),
            (
                "echo@clients=11.tokio.cpu",
                "`echo` is not run at clients=11",
                "through 10, 100, 1000",
            ),
            (
                "echo@clients=1000.uvloop.cpu",
                "`uvloop` is not run at clients=1000",
                "leaves it the values 10, 100",
            ),
            ("echo@clients=1000.tokio/uvloop.cpu", "`uvloop` is not run", "10, 100"),
            ("echo@clients=1e3.tokio.cpu", "`1e3` is not a value", "in digits"),
            (
                "echo@clients=10@nap=1.tokio.cpu",
                "`10@nap=1` is not a value",
                "one parameter",
            ),
            (
                "echo@clients=10.tokio.per_client",
                "the slope over all values of `clients`",
                "leave out `@clients=10`",
            ),
            (
                "echo@clients.tokio.cpu",
                "not the name of a value",
                "EXPERIMENT@PARAMETER=VALUE",
            ),
        ];
        for (name, message, help) in cases {
            let problem = Reference::parse(name, &library).unwrap_err();
            assert!(problem.message.contains(message), "{problem:?}");
            assert!(problem.help.contains(help), "{problem:?}");
        }
    }

    #[test]
    fn a_range_goes_over_different_machines() {
        let mut library = fixture::on_two_machines();
        let range = |library: &Library| {
            let reference = Reference::parse("echo.asyncio/tokio.cpu", library).unwrap();
            reference.range()
        };
        let (machines, low, high) = range(&library).unwrap();
        assert_eq!(machines, 2);
        assert!((3.9..4.2).contains(&low) && (5.8..6.3).contains(&high), "{low} {high}");
        // What was changed since does not count, and one machine has no range.
        library.entries[0].others[0].stale.push("tokio".to_owned());
        assert_eq!(range(&library), None);
        library.entries[0].others[0].stale.clear();
        library.entries[0].others[0].results.machine.id = "test".to_owned();
        assert_eq!(range(&library), None);
    }

    #[test]
    fn a_wrong_name_is_answered_with_the_right_ones() {
        let library = fixture::library();
        let cases = [
            ("eco.tokio.cpu", "no experiment `eco`", "did you mean `echo`?"),
            ("echo.toko.cpu", "no program in `echo` `toko`", "did you mean `tokio`?"),
            ("echo.node/tokio.cpu", "no program in `echo` `node`", "`asyncio`"),
            ("echo.tokio.cpus", "no metric in `echo` `cpus`", "did you mean `cpu`?"),
            ("echo.tokio", "not the name of a value", "EXPERIMENT.PROGRAM.METRIC"),
            ("echo.tokio/tokio.cpu", "with itself", "two programs"),
            ("echo.asyncio/tokio.cores", "not compared by ratios", "two values"),
        ];
        for (name, message, help) in cases {
            let problem = Reference::parse(name, &library).unwrap_err();
            assert!(problem.message.contains(message), "{problem:?}");
            assert!(problem.help.contains(help), "{problem:?}");
        }
        let problem = parameter("echo.conections", &library).unwrap_err();
        assert!(problem.help.contains("did you mean `connections`?"), "{problem:?}");
        assert!(parameter("echo", &library).is_err());
    }

    #[test]
    fn what_was_changed_since_has_no_value() {
        let mut library = fixture::library();
        let measured = library.entries[0].measured.as_mut().unwrap();
        measured.stale.push("tokio".to_owned());
        let value = |name: &str| Reference::parse(name, &library).unwrap().estimate();
        assert_eq!(value("echo.tokio.cpu"), Err(Unmeasured::Stale));
        assert_eq!(value("echo.asyncio/tokio.cpu"), Err(Unmeasured::Stale));
        assert!(value("echo.asyncio.cpu").is_ok());
        library.entries[0].measured = None;
        let reference = Reference::parse("echo.tokio.cpu", &library).unwrap();
        assert_eq!(reference.estimate(), Err(Unmeasured::Never));
    }
}
