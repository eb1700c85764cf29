//! Ratios, measured in one run: planning against reading the spreadsheet and against rendering it alone, results against
//! reading, sending against a bare loop of requests, memory and growth. Every figure is the median of several runs, taken in
//! turn, so that whatever else the machine does falls on all of them alike.

mod sending;

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rayon::prelude::*;
use wait4::Wait4;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const PERSONALISED: &str = "RM0.00 KedaiKu: Hi {{ name }}, your bill of RM{{ amount }} at {{ city }} is due {{ due }}. Reply STOP to opt out.";
const BROADCAST: &str = "RM0.00 KedaiKu: our shops open from 8 am to midnight during the school holidays. See you there! Reply STOP to opt out.";

/// How often everything is measured.
const RUNS: usize = 5;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let part = arguments.first().map_or("all", String::as_str);
    if part == sending::LOOP {
        return sending::bare_loop(&arguments[1..]);
    }
    let rows = arguments
        .get(1)
        .map_or(Ok(1_000_000), |rows| rows.parse())?;
    match part {
        "all" => {
            plan(rows)?;
            growth(rows)?;
            sending::compare(rows.min(sending::REQUESTS))?;
            sending::idle()?;
            sending::rate()
        }
        "plan" => plan(rows),
        "growth" => growth(rows),
        "send" => sending::compare(rows.min(sending::REQUESTS)),
        "idle" => sending::idle(),
        "rate" => sending::rate(),
        _ => {
            println!(
                "parts: all, plan [ROWS], growth [ROWS], send [REQUESTS], idle, rate; without ROWS a million"
            );
            Ok(())
        }
    }
}

/// Planning and results against reading and rendering.
fn plan(rows: u32) -> Result<()> {
    let bench = Bench::new(rows)?;
    println!(
        "{rows} rows, {} MB, {} threads, median of {RUNS} runs",
        bench.sheet_len()? / 1_000_000,
        rayon::current_num_threads()
    );
    let mut times = [const { Vec::new() }; 6];
    let mut memory = [0; 2];
    for _ in 0..RUNS {
        times[0].push(timed(|| read(&bench.sheet))?);
        times[1].push(timed(|| render(&bench.sheet, PERSONALISED))?);
        for (nth, template) in [PERSONALISED, BROADCAST].into_iter().enumerate() {
            let planned = bench.plan(template)?;
            times[2 + nth].push(planned.wall);
            memory[nth] = memory[nth].max(planned.memory);
            times[4 + nth].push(bench.results()?.wall);
        }
    }
    let [
        reading,
        rendering,
        personalised,
        broadcast,
        results,
        broadcast_results,
    ] = times.map(median);
    let ratio = |time: Duration, to: Duration| time.as_secs_f64() / to.as_secs_f64();
    println!(
        "reading it with csv                {:8.2} s",
        reading.as_secs_f64()
    );
    println!(
        "rendering it with minijinja, rayon {:8.2} s",
        rendering.as_secs_f64()
    );
    for (what, time, bytes) in [
        ("personalised", personalised, memory[0]),
        ("one text for all", broadcast, memory[1]),
    ] {
        println!(
            "planning, {what:<17}        {:8.2} s = {:.2} x rendering = {:.1} x reading, {} MiB at most",
            time.as_secs_f64(),
            ratio(time, rendering),
            ratio(time, reading),
            bytes >> 20
        );
    }
    println!(
        "results, personalised              {:8.2} s = {:.1} x reading",
        results.as_secs_f64(),
        ratio(results, reading)
    );
    println!(
        "results, one text for all          {:8.2} s = {:.1} x reading",
        broadcast_results.as_secs_f64(),
        ratio(broadcast_results, reading)
    );
    Ok(())
}

/// Time and memory of a personalised plan from a tenth of this many rows to all of them.
fn growth(rows: u32) -> Result<()> {
    let mut before: Option<Duration> = None;
    for rows in [rows / 10, rows] {
        let bench = Bench::new(rows)?;
        let mut times = Vec::new();
        let mut memory = 0;
        for _ in 0..RUNS.min(3) {
            let planned = bench.plan(PERSONALISED)?;
            times.push(planned.wall);
            memory = memory.max(planned.memory);
        }
        let time = median(times);
        let grown = before.map_or_else(String::new, |before| {
            format!(
                ", {:.2} x the tenth",
                time.as_secs_f64() / before.as_secs_f64()
            )
        });
        println!(
            "planning {rows:>9} rows            {:8.2} s, {} MiB at most{grown}",
            time.as_secs_f64(),
            memory >> 20
        );
        before = Some(time);
    }
    Ok(())
}

/// A spreadsheet in a folder of its own.
struct Bench {
    folder: tempfile::TempDir,
    sheet: PathBuf,
    program: PathBuf,
}

/// One run of the program.
struct Run {
    wall: Duration,
    /// The most memory it held, in bytes.
    memory: u64,
    /// The time it had of the processors.
    processor: Duration,
}

impl Bench {
    fn new(rows: u32) -> Result<Self> {
        let program = program()?;
        let folder = tempfile::tempdir()?;
        let sheet = folder.path().join("customers.csv");
        write_sheet(&sheet, rows)?;
        Ok(Self {
            folder,
            sheet,
            program,
        })
    }

    fn sheet_len(&self) -> Result<u64> {
        Ok(fs::metadata(&self.sheet)?.len())
    }

    /// A plan from nothing.
    fn plan(&self, template: &str) -> Result<Run> {
        for ending in ["ledger", "ledger.lock"] {
            let left = self.sheet.with_extension(ending);
            if left.exists() {
                fs::remove_file(left)?;
            }
        }
        self.run(&["plan", "customers.csv", "--message", template])
    }

    fn results(&self) -> Result<Run> {
        self.run(&["results", "customers.ledger"])
    }

    fn run(&self, arguments: &[&str]) -> Result<Run> {
        timed_process(
            Command::new(&self.program)
                .args(arguments)
                .current_dir(self.folder.path()),
        )
    }
}

/// Runs a command to its end.
fn timed_process(command: &mut Command) -> Result<Run> {
    let begun = Instant::now();
    let ended = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?
        .wait4()?;
    let wall = begun.elapsed();
    if !ended.status.success() {
        return Err(format!("{command:?} ended with {}", ended.status).into());
    }
    Ok(Run {
        wall,
        memory: ended.rusage.maxrss,
        processor: ended.rusage.utime + ended.rusage.stime,
    })
}

fn program() -> Result<PathBuf> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/release/isms-campaign");
    if !program.is_file() {
        return Err("build the program first: cargo build --release".into());
    }
    Ok(program)
}

fn write_sheet(path: &Path, rows: u32) -> Result<()> {
    const CITIES: [&str; 5] = [
        "Ipoh",
        "Kuala Lumpur",
        "Johor Bahru",
        "Kota Kinabalu",
        "Kuching",
    ];
    let mut sheet = BufWriter::new(File::create(path)?);
    writeln!(sheet, "phone,name,city,amount,due")?;
    for row in 0..rows {
        writeln!(
            sheet,
            "+60 1{}-{:03} {:04},Customer {row},{},{}.{:02},{:02}/12/2026",
            [2, 3, 6, 7, 9][(row / 8_000_000) as usize % 5],
            200 + row / 10_000 % 800,
            row % 10_000,
            CITIES[row as usize % 5],
            row % 900 + 10,
            row % 100,
            row % 28 + 1
        )?;
    }
    Ok(sheet.flush()?)
}

/// Every record, looked at and let go.
fn read(sheet: &Path) -> Result<usize> {
    let mut reader = csv::Reader::from_path(sheet)?;
    let mut record = csv::ByteRecord::new();
    let mut cells = 0;
    while reader.read_byte_record(&mut record)? {
        cells += record.len();
    }
    Ok(cells)
}

/// Every text, rendered on all cores and let go.
fn render(sheet: &Path, source: &str) -> Result<usize> {
    const CHUNK: usize = 50_000;
    let mut engine = minijinja::Environment::new();
    engine.add_template_owned("message", source.to_owned())?;
    let template = engine.get_template("message")?;
    let mut reader = csv::Reader::from_path(sheet)?;
    let headers: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
    let mut records = reader.into_records();
    let mut bytes = 0;
    loop {
        let chunk: Vec<csv::StringRecord> = records
            .by_ref()
            .take(CHUNK)
            .collect::<std::result::Result<_, _>>()?;
        if chunk.is_empty() {
            return Ok(bytes);
        }
        let texts: Vec<String> = chunk
            .par_iter()
            .map(|record| {
                template.render(minijinja::Value::from_pairs(
                    headers.iter().map(String::as_str).zip(record),
                ))
            })
            .collect::<std::result::Result<_, _>>()?;
        bytes += texts.iter().map(String::len).sum::<usize>();
    }
}

fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<Duration> {
    let begun = Instant::now();
    std::hint::black_box(work()?);
    Ok(begun.elapsed())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
