//! Programs given the same work must give the same answer.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use serde_json::Value;

use crate::experiment::{Experiment, Program, Purpose};

/// Answers seen so far, by the work that they answer.
#[derive(Default)]
pub struct Answers {
    by_work: BTreeMap<String, (String, Value)>,
}

impl Answers {
    /// Takes in one more answer.
    ///
    /// # Errors
    /// Where another program gave another answer to the same work; names both programs, both answers and both files.
    pub fn check(
        &mut self,
        experiment: &Experiment,
        program: &Program,
        purpose: &Purpose,
        result: &Value,
    ) -> Result<()> {
        let work: BTreeMap<&str, String> = experiment
            .parameters
            .keys()
            .map(|name| {
                Ok((
                    name.as_str(),
                    experiment.value(name, Some(program), purpose)?.to_string(),
                ))
            })
            .collect::<Result<_>>()?;
        let work = serde_json::to_string(&work)?;
        match self.by_work.get(&work) {
            None => {
                self.by_work.insert(work, (program.id.clone(), result.clone()));
                Ok(())
            }
            Some((_, expected)) if expected == result => Ok(()),
            Some((first, expected)) => {
                let file = |id: &str| experiment.program(id).map_or("", |p| p.file.as_str());
                bail!(
                    "wrong answer: `{}` and `{first}` do the same work and do not agree\n    {first}: {expected}\n    {}: {result}\n  \
                     Nothing is timed until they do: one of examples/{2}/{3} and examples/{2}/{4} is wrong",
                    program.id,
                    program.id,
                    experiment.id,
                    file(first),
                    program.file
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_that_disagree_are_named_with_both_answers() {
        let (experiment, _) = crate::results::tests::sample();
        let [a, b] = &experiment.programs[..] else {
            panic!("two programs")
        };
        let mut answers = Answers::default();
        answers
            .check(&experiment, a, &Purpose::Verify, &Value::from(1))
            .unwrap();
        answers
            .check(&experiment, b, &Purpose::Verify, &Value::from(1))
            .unwrap();
        let error = answers
            .check(&experiment, b, &Purpose::Verify, &Value::from(2))
            .unwrap_err()
            .to_string();
        assert!(error.contains("a: 1") && error.contains("b: 2"), "{error}");
    }
}
