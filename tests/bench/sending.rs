//! Sending: requests a second and processor time against a bare loop of the same requests to the same server, the cost of
//! waiting, and how well a rate is kept. The server gives one fixed answer, and notes when requests came.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{BROADCAST, Bench, PERSONALISED, RUNS, Result, Run, median, timed_process};

/// How many requests are compared.
pub(crate) const REQUESTS: u32 = 20_000;

/// This many recipients may go at once, by the largest batch there can be in these plans.
const BURST: u32 = 30;

/// The argument that makes this program the bare loop.
pub(crate) const LOOP: &str = "loop";

/// Requests a second and processor time a request, at 16 and at 64 connections, batches of one.
pub(crate) fn compare(requests: u32) -> Result<()> {
    let server = Server::start(Answer::AtOnce)?;
    for connections in [16_u32, 64] {
        let (mut ours, mut bare) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            bare.push(timed_process(
                Command::new(std::env::current_exe()?)
                    .args([LOOP, &server.url()])
                    .args([connections, requests].map(|number| number.to_string())),
            )?);
            let bench = Bench::new(requests)?;
            bench.plan(PERSONALISED)?;
            ours.push(server.send(&bench, "none", connections)?);
            if server.take().len() != 2 * requests as usize {
                return Err("the server had another number of requests".into());
            }
        }
        let time = |of: fn(&Run) -> Duration| {
            [&ours, &bare].map(|runs| median(runs.iter().map(of).collect()).as_secs_f64())
        };
        let [our_wall, bare_wall] = time(|run| run.wall);
        let [our_work, bare_work] = time(|run| run.processor);
        println!(
            "sending, {connections} connections           {:8.0} requests a second = {:.2} x the bare loop's {:.0}; {:.2} x its processor time",
            f64::from(requests) / our_wall,
            bare_wall / our_wall,
            f64::from(requests) / bare_wall,
            our_work / bare_work
        );
    }
    Ok(())
}

/// What somebody would write by hand: this many threads, each with an agent of its own, post forms.
pub(crate) fn bare_loop(arguments: &[String]) -> Result<()> {
    let [url, connections, requests] = arguments else {
        return Err("the bare loop needs a URL, connections and requests".into());
    };
    let (connections, requests): (u32, u32) = (connections.parse()?, requests.parse()?);
    let next = AtomicU32::new(0);
    let post = || {
        let agent = ureq::Agent::new_with_defaults();
        while next.fetch_add(1, Ordering::Relaxed) < requests {
            let fields = [
                ("un", "bench"),
                ("pwd", "bench"),
                ("dstno", "60123456789"),
                ("msg", BROADCAST),
                ("type", "1"),
                ("agreedterm", "YES"),
            ];
            let answer = agent
                .post(url)
                .send_form(fields)
                .and_then(|mut response| response.body_mut().read_to_string());
            answer?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..connections).map(|_| scope.spawn(post)).collect();
        threads.into_iter().try_for_each(|thread| {
            let done: std::result::Result<(), ureq::Error> = thread
                .join()
                .map_err(|_| "a thread of the bare loop stopped")?;
            Ok(done?)
        })
    })
}

/// What waiting for a low rate costs.
pub(crate) fn idle() -> Result<()> {
    let server = Server::start(Answer::AtOnce)?;
    let bench = Bench::new(BURST + 20)?;
    bench.plan(PERSONALISED)?;
    let run = server.send(&bench, "1/s", 4)?;
    println!(
        "waiting, {:.0} s at 1/s              {:8.2} % of a core",
        run.wall.as_secs_f64(),
        100.0 * run.processor.as_secs_f64() / run.wall.as_secs_f64()
    );
    Ok(())
}

/// How much of a rate is used over a minute, and whether more than the burst and the rate ever went out.
pub(crate) fn rate() -> Result<()> {
    for (answer, template, batches, rate, workers) in [
        (Answer::AtOnce, PERSONALISED, 1, 100, 4),
        (Answer::Slowly, BROADCAST, 30, 1_000, 8),
    ] {
        let server = Server::start(answer)?;
        let bench = Bench::new(rate * 60)?;
        bench.plan(template)?;
        server.send(&bench, &format!("{rate}/s"), workers)?;
        let came = server.take();
        let (Some(first), Some(last)) = (came.first(), came.last()) else {
            return Err("no request came".into());
        };
        let per_second = f64::from(rate);
        let recipients: u32 = came.iter().map(|request| request.recipients).sum();
        // The burst costs no waiting.
        let used =
            f64::from(recipients - BURST) / (per_second * (last.at - first.at).as_secs_f64());
        let (mut sent, mut over) = (0, f64::MIN);
        for request in &came {
            sent += request.recipients;
            let line = f64::from(BURST) + per_second * (request.at - first.at).as_secs_f64();
            over = over.max(f64::from(sent) - line);
        }
        println!(
            "rate {rate:>4}/s, batches of {batches:>2}, {workers} workers {:6.2} % used over {:.1} s; at most {over:+.1} recipients from the line",
            100.0 * used,
            (last.at - first.at).as_secs_f64()
        );
    }
    Ok(())
}

/// When the server answers.
#[derive(Clone, Copy)]
enum Answer {
    AtOnce,
    /// After 0.1 to 0.3 seconds.
    Slowly,
}

/// A request as it came.
struct Request {
    at: Instant,
    recipients: u32,
}

/// A server on this machine that takes everything.
struct Server {
    port: u16,
    came: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    fn start(answer: Answer) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let came = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&came);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let record = Arc::clone(&record);
                // A client that is gone is no fault of the server.
                thread::spawn(move || serve(&stream, answer, &record));
            }
        });
        Ok(Self { port, came })
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/RESTAPI.php", self.port)
    }

    /// The requests so far, which are forgotten here.
    fn take(&self) -> Vec<Request> {
        std::mem::take(&mut *self.came.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sends a plan.
    fn send(&self, bench: &Bench, rate: &str, workers: u32) -> Result<Run> {
        timed_process(
            Command::new(&bench.program)
                .args(["send", "customers.ledger", "--yes", "--rate", rate])
                .args(["--gateway", &self.url()])
                .args(["--concurrency", &workers.to_string()])
                .env("ISMS_USERNAME", "bench")
                .env("ISMS_PASSWORD", "bench")
                .current_dir(bench.folder.path()),
        )
    }
}

fn serve(stream: &TcpStream, answer: Answer, record: &Mutex<Vec<Request>>) -> Option<()> {
    const BODY: &str = "2000 = SUCCESS:1143007207";
    let reply = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    stream.set_nodelay(true).ok()?;
    let mut client = BufReader::new(stream);
    let (mut line, mut body) = (String::new(), Vec::new());
    for nth in 0_u64.. {
        let mut length = 0;
        loop {
            line.clear();
            if client.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if line == "\r\n" {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().ok()?;
            }
        }
        body.resize(length, 0);
        client.read_exact(&mut body).ok()?;
        let separators = body.windows(3).filter(|bytes| bytes == b"%3B").count();
        let request = Request {
            at: Instant::now(),
            recipients: u32::try_from(separators).ok()? + 1,
        };
        record
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(request);
        if let Answer::Slowly = answer {
            thread::sleep(Duration::from_millis(100 + nth * 37 % 200));
        }
        (&mut &*stream).write_all(reply.as_bytes()).ok()?;
    }
    None
}
