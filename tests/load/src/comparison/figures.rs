//! What was measured, all of it: as a table and as JSON.

use std::{fmt, fmt::Write, thread::available_parallelism};

use serde_json::{Value, json};

use crate::options::Options;
use crate::scenarios::{Sample, Scenario};
use crate::servers::Who;

/// Every sample, in the order in which they were taken.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    samples: Vec<(Scenario, Who, Sample)>,
    /// Before and after.
    pub(crate) load_average: [Option<f64>; 2],
}

impl Figures {
    pub(crate) fn add(&mut self, scenario: Scenario, who: Who, sample: Sample) {
        self.samples.push((scenario, who, sample));
    }

    /// The median of what all rounds found, each figure by itself.
    pub(crate) fn median(&self, scenario: Scenario, who: Who) -> Sample {
        let of = |figure: fn(&Sample) -> Option<f64>| {
            let own = self.samples.iter();
            let own = own.filter(|(one, whose, _)| (*one, *whose) == (scenario, who));
            let mut all: Vec<f64> = own.filter_map(|(.., sample)| figure(sample)).collect();
            all.sort_by(f64::total_cmp);
            all.get(all.len() / 2).copied()
        };
        Sample {
            cpu_us: of(|sample| sample.cpu_us),
            per_second: of(|sample| sample.per_second),
            p50_us: of(|sample| sample.p50_us),
            p99_us: of(|sample| sample.p99_us),
            bytes: of(|sample| sample.bytes),
        }
    }

    /// For people, and for Markdown.
    pub(crate) fn table(&self, options: &Options) -> Result<String, fmt::Error> {
        let mut text = String::from(
            "\n| | server | CPU \u{b5}s for each | a second | p50 \u{b5}s | p99 \u{b5}s | bytes |\n\
             | --- | --- | ---: | ---: | ---: | ---: | ---: |\n",
        );
        for scenario in Scenario::ALL {
            for who in Who::ALL {
                let sample = self.median(scenario, who);
                write!(text, "| {} | {} |", scenario.title(), who.title())?;
                let whole = [
                    sample.per_second,
                    sample.p50_us,
                    sample.p99_us,
                    sample.bytes,
                ];
                match sample.cpu_us {
                    Some(cpu) => write!(text, " {cpu:.1} |")?,
                    None => write!(text, " |")?,
                }
                for figure in whole {
                    match figure {
                        Some(figure) => write!(text, " {figure:.0} |")?,
                        None => write!(text, " |")?,
                    }
                }
                text.push('\n');
            }
        }
        let cores = available_parallelism().map_or(0, usize::from);
        let [before, after] = self.load_average.map(Option::unwrap_or_default);
        writeln!(
            text,
            "\n{cores} cores, which servers and clients share; {} rounds of {:?}; load average {before:.1} before and {after:.1} after",
            options.rounds, options.seconds
        )?;
        Ok(text)
    }

    /// For programs.
    pub(crate) fn json(&self, options: &Options) -> Value {
        let samples = self.samples.iter().map(|(scenario, who, sample)| {
            let mut sample = json!(sample);
            sample["scenario"] = scenario.title().into();
            sample["server"] = who.title().into();
            sample
        });
        json!({
            "cores": available_parallelism().map_or(0, usize::from),
            "seconds": options.seconds.as_secs_f64(),
            "rounds": options.rounds,
            "load_average": self.load_average,
            "samples": samples.collect::<Vec<_>>(),
        })
    }
}
