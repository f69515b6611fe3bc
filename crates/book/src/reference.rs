//! Names in directives - `tcp-echo.tokio/asyncio.cpu` - and what they stand for in the library.

use measure::experiment::{Experiment, Metric, Point, Program, Purpose, Unit};
use measure::library::{Entry, Library, Measured};
use measure::results::Bound;
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
}

/// A metric of one program, or of two as a ratio.
#[derive(Debug, Clone, Copy)]
pub struct Reference<'a> {
    pub entry: &'a Entry,
    pub metric: &'a Metric,
    pub program: &'a Program,
    /// What the value of `program` is divided by.
    pub over: Option<&'a Program>,
}

impl<'a> Reference<'a> {
    /// Reads `EXPERIMENT.PROGRAM.METRIC` or `EXPERIMENT.A/B.METRIC`.
    pub fn parse(text: &str, library: &'a Library) -> Result<Reference<'a>, Problem> {
        let parts: Vec<&str> = text.split('.').collect();
        let [name, programs, metric] = parts[..] else {
            return Err(Problem::new(
                format!("`{text}` is not the name of a value"),
                "write `EXPERIMENT.PROGRAM.METRIC`, or `EXPERIMENT.A/B.METRIC` for the ratio of two programs",
            ));
        };
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
        };
        if let Some(over) = reference.over {
            if over.id == reference.program.id {
                return Err(Problem::new(
                    format!("`{text}` compares `{}` with itself", over.id),
                    "name two programs",
                ));
            }
            if !reference.metric.quantity.is_ratio_scale() {
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
            None => Kind::Unit(self.metric.quantity.unit()),
        }
    }

    pub fn estimate(&self) -> Result<Estimate, Unmeasured> {
        let measured = self.entry.measured.as_ref().ok_or(Unmeasured::Never)?;
        let programs = std::iter::once(self.program).chain(self.over);
        if programs.into_iter().any(|program| is_stale(measured, &program.id)) {
            return Err(Unmeasured::Stale);
        }
        let experiment = &self.entry.experiment;
        match self.over {
            None => measured
                .results
                .estimate(experiment, &self.program.id, &self.metric.id, &Point::base()),
            Some(over) => {
                measured
                    .results
                    .ratio(experiment, &self.program.id, &over.id, &self.metric.id, &Point::base())
            }
        }
        .map_err(|missing| Unmeasured::Missing(missing.to_string()))
    }
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

fn program<'a>(id: &str, experiment: &'a Experiment) -> Result<&'a Program, Problem> {
    experiment.program(id).ok_or_else(|| {
        let known = experiment.programs.iter().map(|program| program.id.as_str());
        Problem::unknown(&format!("program in `{}`", experiment.id), id, known)
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
    let declared = experiment.parameters.get(parameter).ok_or_else(|| {
        let known = experiment.parameters.keys().map(String::as_str);
        Problem::unknown(&format!("parameter in `{name}`"), parameter, known)
    })?;
    let value = experiment
        .value(parameter, of_program, &Purpose::base())
        .map_err(|error| Problem::new(format!("{error:#}"), ""))?;
    Ok((value, declared.unit))
}

impl Reference<'_> {
    /// Whether the value is only a bound of what was asked for; see [`measure::results::Bound`].
    pub fn bound(&self) -> Option<Bound> {
        let results = &self.entry.measured.as_ref()?.results;
        let (experiment, metric, point) = (&self.entry.experiment, &self.metric.id, Point::base());
        match self.over {
            None => results.bound(experiment, &self.program.id, metric, &point),
            Some(over) => results.ratio_bound(experiment, &self.program.id, &over.id, metric, &point),
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
