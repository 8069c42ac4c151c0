//! Counts what one operation costs, in instructions and allocations, and compares that with what
//! is recorded. `scripts/instructions` builds and starts it.
//!
//! ```text
//! costs            fails where something costs more than is recorded
//! costs --record   records what is counted
//! ```
//!
//! Instructions are counted by valgrind's callgrind, around `call_path`: a path is gone once, and
//! many times, and the difference is what it costs without what comes before. Nothing depends on
//! how fast the machine is or what else it does; another compiler, or a processor with other
//! vector instructions, may well count a little differently.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program with a command line"
)]

use std::{
    alloc::System,
    env,
    fmt::Write,
    fs, io,
    path::{Path as FilePath, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
};

use mcp_session_load::inside::Path;
use mcp_session_load::{Error, Result};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// By how many hundredths a figure of instructions may grow.
const TOLERATED: u64 = 5;

/// How often a path is gone in a run.
const TIMES: usize = 1_000;

/// How many such runs there are, of which the median counts.
const RUNS: usize = 5;

/// What one operation costs.
#[derive(Debug, Clone, Copy)]
struct Cost {
    /// None where valgrind is not installed.
    instructions: Option<u64>,
    /// Reallocations as well.
    allocations: u64,
}

fn main() -> Result<ExitCode> {
    let record = match env::args().nth(1).as_deref() {
        None => false,
        Some("--record") => true,
        Some(_) => return Err("usage: costs [--record]".into()),
    };
    let valgrind = has_valgrind()?;
    let mut counted = Vec::new();
    for path in Path::ALL {
        eprintln!("counting {}", path.name());
        let instructions = valgrind.then(|| instructions(path)).transpose()?;
        let allocations = allocations(path)?;
        let cost = Cost {
            instructions,
            allocations,
        };
        counted.push((path, cost));
    }
    if record {
        let text = written(&counted)?;
        fs::write(record_file(), text)?;
        println!("recorded");
        return Ok(ExitCode::SUCCESS);
    }
    let recorded = fs::read_to_string(record_file())?;
    let mut grown = false;
    println!("{:16} {:>24} {:>24}", "", "instructions", "allocations");
    for (path, cost) in counted {
        grown |= compared(path, cost, read(&recorded, path)?);
    }
    if grown {
        println!("Something costs more than is recorded in tests/load/costs.txt. Where that is");
        println!("meant, record it: scripts/instructions --record");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether there is valgrind; without it only allocations are counted, which is an error where
/// changes are judged.
fn has_valgrind() -> Result<bool> {
    let found = Command::new("valgrind").arg("--version").output();
    match found {
        Ok(_) => Ok(true),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        Err(_) if env::var("CI").is_ok_and(|ci| ci == "true") => {
            Err("valgrind is not installed".into())
        }
        Err(_) => {
            println!("!!! SKIPPED: valgrind is not installed, so no instructions are counted");
            Ok(false)
        }
    }
}

/// What one pass takes, by the difference of a run of many and a run of one.
///
/// Tables are hashed with another seed in each process, which makes a difference of nearly one in
/// a hundred between one run and the next; hence the median of several.
fn instructions(path: Path) -> Result<u64> {
    let times = match path {
        // A list is long, and as steady.
        Path::List => TIMES / 10,
        _ => TIMES,
    };
    let folder = env::temp_dir().join(format!("mcp-session-costs-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    // Side by side: what they count is not time.
    let mut started = Vec::new();
    for run in 0..=RUNS {
        let times = if run == 0 { 1 } else { times };
        started.push(Counted::start(path, times, folder.join(run.to_string())));
    }
    let totals = started.into_iter().map(|run| run.and_then(Counted::finish));
    let totals: Vec<_> = totals.collect();
    fs::remove_dir_all(&folder)?;
    let mut totals = totals.into_iter();
    let one = totals.next().ok_or("nothing was counted")??;
    let mut many: Vec<_> = totals.collect::<Result<_>>()?;
    many.sort_unstable();
    Ok((many[RUNS / 2] - one) / u64::try_from(times - 1)?)
}

/// A run that callgrind watches.
struct Counted {
    child: Child,
    file: PathBuf,
}

impl Counted {
    fn start(path: Path, times: usize, file: PathBuf) -> Result<Self> {
        let mut out = std::ffi::OsString::from("--callgrind-out-file=");
        out.push(&file);
        let child = Command::new("valgrind")
            .args(["--tool=callgrind", "--quiet"])
            .arg(out)
            .arg(env::current_exe()?.with_file_name("call_path"))
            .args([path.name(), &times.to_string()])
            .stdin(Stdio::null())
            .spawn()?;
        Ok(Self { child, file })
    }

    fn finish(mut self) -> Result<u64> {
        if !self.child.wait()?.success() {
            return Err("call_path failed under valgrind".into());
        }
        let text = fs::read_to_string(&self.file)?;
        let totals = text.lines().find_map(|line| line.strip_prefix("totals: "));
        let totals = totals.ok_or("callgrind wrote no totals")?;
        Ok(totals.trim().parse()?)
    }
}

/// How often one pass allocates, to the nearest whole number.
fn allocations(path: Path) -> Result<u64> {
    const PASSES: usize = 200;
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let change = runtime.enable_all().build()?.block_on(async {
        let mut prepared = path.prepare().await?;
        let region = Region::new(ALLOCATOR);
        for _ in 0..PASSES {
            prepared.once().await?;
        }
        Ok::<_, Error>(region.change())
    })?;
    let all = change.allocations + change.reallocations;
    Ok(u64::try_from((all + PASSES / 2) / PASSES)?)
}

/// Prints one line; true where something grew too much.
fn compared(path: Path, cost: Cost, recorded: Cost) -> bool {
    let (instructions, more) = match (cost.instructions, recorded.instructions) {
        (Some(now), Some(before)) => {
            let hundredths = now as f64 / before as f64 * 100.0 - 100.0;
            let more = now * 100 > before * (100 + TOLERATED);
            (format!("{now} ({hundredths:+.1} %)"), more)
        }
        _ => ("not counted".to_owned(), false),
    };
    let (now, before) = (cost.allocations, recorded.allocations);
    let often = now > before + 1;
    let allocations = format!("{now} (recorded: {before})");
    let mark = if more || often { "  << grown" } else { "" };
    println!(
        "{:16} {instructions:>24} {allocations:>24}{mark}",
        path.name()
    );
    more || often
}

fn record_file() -> PathBuf {
    FilePath::new(env!("CARGO_MANIFEST_DIR")).join("costs.txt")
}

fn written(counted: &[(Path, Cost)]) -> Result<String> {
    let mut text = String::from(
        "# What one operation costs in a release build: its instructions and its allocations.\n\
         # Counted, compared and written (with --record) by scripts/instructions.\n",
    );
    for (path, cost) in counted {
        let instructions = cost.instructions.ok_or("there is nothing to record")?;
        let allocations = cost.allocations;
        writeln!(text, "{} {instructions} {allocations}", path.name())?;
    }
    Ok(text)
}

fn read(recorded: &str, path: Path) -> Result<Cost> {
    let found = recorded.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some(path.name())).then_some(words)
    });
    let missing = || format!("{} is not recorded", path.name());
    let mut figures = found.ok_or_else(missing)?;
    let mut figure = || -> Result<u64> { Ok(figures.next().ok_or_else(missing)?.parse()?) };
    Ok(Cost {
        instructions: Some(figure()?),
        allocations: figure()?,
    })
}
