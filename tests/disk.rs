//! The promise on a full disk, and when files are removed, replaced or shared: no request without a durable claim, a sentence
//! that says what is wrong, and a correct next run. The test gateway's record of requests is what counts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use common::gateway::{Gate, trx_of};
use common::program::{Run, Victim};
use common::{
    Gateway, Program, Reply, count_statuses, counts, msisdn, own_texts, people, phone,
    rows_in_are_rows_out, verifies,
};

const TEXT: [&str; 2] = ["--message", "KedaiKu: we are open until midnight"];
const SIGKILL: i32 = 9;

fn customers<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let mut all = vec!["customers.csv", TEXT[0], TEXT[1]];
    all.extend(more);
    all
}

/// A shell command after which no file may grow beyond this many KiB.
fn at_most(kib: u64) -> String {
    format!("ulimit -f {}", kib * 2)
}

/// Panics unless the run ended with exit 1 and these words, without a panic of its own.
#[track_caller]
fn fails(run: &Run, words: &[&str]) {
    run.exits(1).says(words);
    run.shows(!run.stderr.contains("panicked"), "no panic");
}

// --- Full disks --------------------------------------------------------------------------------------------------

#[test]
fn a_full_disk_while_planning() {
    let program = Program::with(&[("customers.csv", &people(4_000))]);
    let gateway = Gateway::accepting();
    let mut plan = vec!["plan"];
    plan.extend(customers(&[]));
    for kib in [4, 60, 160] {
        for run in [
            program.command(&plan).within(&at_most(kib)).run(),
            program
                .send_command(&gateway.url(), &customers(&[]))
                .within(&at_most(kib))
                .run(),
        ] {
            fails(&run, &["could not be written", "room", "run again"]);
        }
        assert!(!program.ledger_exists(), "{:?}", program.files());
    }
    assert_eq!(gateway.count(), 0);
    program.send(&gateway, &customers(&[])).exits(0);
    gateway.assert_nothing_twice();
    assert_eq!(gateway.numbers_taken().len(), 4_000);
    verifies(&program, "customers.ledger");
}

/// Panics unless every number that the gateway took has its row accepted or unknown, no other row is accepted, and the rest
/// is sent by the next run, whose outcome it returns.
fn ends_well(program: &Program, gateway: &Gateway, arguments: &[&str], in_doubt: usize) -> Run {
    program.run(&["results", "customers.ledger"]).exits(0);
    let rows = rows_in_are_rows_out(program, "customers.csv", "customers.results.csv");
    let taken: BTreeSet<String> = gateway.numbers_taken().into_iter().collect();
    for row in &rows {
        match &*row["sms_status"] {
            "accepted" => assert!(taken.contains(&row["sms_to"]), "{row:?}"),
            "unknown" => {}
            _ => assert!(!taken.contains(&row["sms_to"]), "{row:?}"),
        }
    }
    let unknown = count_statuses(&rows).get("unknown").copied().unwrap_or(0);
    assert!(unknown <= in_doubt, "{unknown} rows are in doubt");
    verifies(program, "customers.ledger");
    let run = program.send(gateway, arguments);
    run.exits(if unknown == 0 { 0 } else { 5 });
    gateway.assert_nothing_twice();
    let rows = rows_in_are_rows_out(program, "customers.csv", "customers.results.csv");
    let mut expected = counts(&[("accepted", rows.len() - unknown), ("unknown", unknown)]);
    expected.retain(|_, rows| *rows > 0);
    assert_eq!(count_statuses(&rows), expected, "every row has its status");
    verifies(program, "customers.ledger");
    run
}

#[test]
fn a_full_disk_while_sending() {
    for (kib, workers) in [(160, "1"), (256, "4"), (700, "4")] {
        let program = Program::with(&[("customers.csv", &own_texts(400))]);
        let gateway = Gateway::accepting();
        let arguments = ["customers.csv", "--concurrency", workers];
        program.run(&["plan", "customers.csv"]).exits(0);
        let run = program
            .send_command(&gateway.url(), &arguments)
            .within(&at_most(kib))
            .run();
        fails(&run, &["customers.ledger", "could not be written", "room"]);
        let came = gateway.count();
        assert!((1..400).contains(&came), "{kib} KiB: {came} requests");
        ends_well(&program, &gateway, &arguments, workers.parse().unwrap());
    }
}

#[test]
fn a_full_disk_while_writing_results() {
    // The ledger holds the text once, the results in every row.
    let text = format!("KedaiKu: {}", "we are open ".repeat(40));
    let program = Program::with(&[("customers.csv", &people(3_000))]);
    let gateway = Gateway::accepting();
    let arguments = [
        "customers.csv",
        "--message",
        &text,
        "--batch-size",
        "1000",
        "--summary-json",
        "summary.json",
    ];
    let run = program
        .send_command(&gateway.url(), &arguments)
        .within(&at_most(1_000))
        .run();
    fails(
        &run,
        &["customers.results.csv", "could not be written", "make room"],
    );
    assert_eq!(gateway.numbers_taken().len(), 3_000);
    assert_eq!(program.summary_json("summary.json")["accepted"], 3_000);
    let again = program
        .command(&["results", "customers.ledger"])
        .within(&at_most(1_000))
        .run();
    fails(&again, &["customers.results.csv"]);
    let left: Vec<_> = program
        .files()
        .into_iter()
        .filter(|name| name.contains("results"))
        .collect();
    assert!(left.is_empty(), "a partial file is left: {left:?}");
    ends_well(&program, &gateway, &arguments, 0);
    assert_eq!(gateway.count(), 3, "nothing was left to send");
}

#[test]
fn full_output_devices() {
    let program = Program::with(&[("customers.csv", &people(3))]);
    let gateway = Gateway::accepting();
    for (nth, option) in ["--results", "--summary-json"].into_iter().enumerate() {
        let sheet = format!("{nth}.csv");
        program.write(&sheet, people(3));
        let arguments = [&sheet, TEXT[0], TEXT[1], option, "/dev/full"];
        let again = ["--repeat", "allow"];
        let run = program.send(&gateway, &[&arguments[..], &again].concat());
        fails(&run, &["/dev/full", "No space left"]);
        assert_eq!(gateway.taken().len(), 3 * (nth + 1));
        verifies(&program, &format!("{nth}.ledger"));
    }
    for command in ["status", "verify", "results"] {
        let mut arguments = vec![command, "0.ledger"];
        if command == "results" {
            arguments.extend(["--status", "accepted"]);
        }
        let run = program.command(&arguments).within("exec >/dev/full").run();
        fails(&run, &["written"]);
    }
    // Messages that cannot be written are not an error.
    program
        .send_command(&gateway.url(), &customers(&["-v", "--repeat", "allow"]))
        .within("exec 2>/dev/full")
        .run()
        .exits(0);
}

/// Whether tests may mount file systems here. If not, it says so.
fn may_mount() -> bool {
    let probe = "mount -t tmpfs none /tmp && mount -o remount,ro,bind /tmp && ! touch /tmp/probe 2>/dev/null";
    let allowed = Command::new("unshare")
        .args(["-rm", "sh", "-ec", probe])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !allowed {
        eprintln!("left out: this system does not let a test mount a file system of its own");
    }
    allowed
}

/// Shell commands that run the program in its own mounts, made by `prepare`, and then run `afterwards`.
fn in_own_mounts(prepare: &str, afterwards: &str) -> String {
    format!(
        r#"exec unshare -rm sh -ec '{prepare}; code=0; "$0" "$@" || code=$?; {afterwards}; exit $code' "$0" "$@""#
    )
}

#[test]
fn a_full_file_system() {
    if !may_mount() {
        return;
    }
    // A file system of this size with the campaign on it, which is copied back at the end.
    let on_a_disk = |kib: u64| {
        let prepare = format!(
            "mkdir -p full; mount -t tmpfs -o size={kib}k none full; cp -p customers.* full; cd full"
        );
        in_own_mounts(&prepare, "rm -f ../customers.*; cp -p customers.* ..")
    };
    let program = Program::with(&[("customers.csv", &own_texts(400))]);
    let gateway = Gateway::accepting();
    let arguments = ["customers.csv", "--concurrency", "4"];
    let planning = program
        .command(&["plan", "customers.csv"])
        .within(&on_a_disk(64))
        .run();
    fails(&planning, &["could not be written", "full", "room"]);
    assert!(!program.ledger_exists(), "{:?}", program.files());
    program.run(&["plan", "customers.csv"]).exits(0);
    let sending = program
        .send_command(&gateway.url(), &arguments)
        .within(&on_a_disk(400))
        .run();
    fails(&sending, &["customers.ledger", "full", "room"]);
    let came = gateway.count();
    assert!((1..400).contains(&came), "{came} requests");
    ends_well(&program, &gateway, &arguments, 4);
}

#[test]
fn a_file_system_without_any_room_is_named() {
    if !may_mount() {
        return;
    }
    let program = Program::with(&[("customers.csv", &people(60))]);
    let gateway = Gateway::accepting();
    let limited = customers(&["--limit", "30"]);
    program.send(&gateway, &limited).exits(0);
    let full = in_own_mounts(
        "mkdir -p full; mount -t tmpfs -o size=400k none full; cp -p customers.* full; cd full; cat /dev/zero > fill || true",
        ":",
    );
    for arguments in [&limited[..], &["customers.ledger"]] {
        let run = program
            .send_command(&gateway.url(), arguments)
            .within(&full)
            .run();
        fails(
            &run,
            &["customers.ledger", "make sure that its disk has room"],
        );
        run.shows(!run.stderr.contains(".ledger file"), "that is its ledger");
    }
    program.send(&gateway, &customers(&[])).exits(0);
    gateway.assert_nothing_twice();
    assert_eq!(gateway.taken().len(), 60);
}

#[test]
fn a_folder_that_cannot_be_written() {
    if !may_mount() {
        return;
    }
    let program = Program::with(&[("customers.csv", &people(60))]);
    let gateway = Gateway::accepting();
    let read_only = in_own_mounts(
        r#"mount --bind . . && cd "$(pwd)" && mount -o remount,bind,ro . "#,
        ":",
    );
    let mut plan = vec!["plan"];
    plan.extend(customers(&[]));
    let run = program.command(&plan).within(&read_only).run();
    fails(
        &run,
        &["customers.ledger", "Read-only file system", "--ledger"],
    );
    assert_eq!(program.files(), ["customers.csv"]);
    program
        .send(&gateway, &customers(&["--limit", "30"]))
        .exits(0);
    for sheet in ["customers.csv", "customers.ledger"] {
        let mut arguments = vec![sheet];
        arguments.extend(["--results", "/dev/null"]);
        if sheet == "customers.csv" {
            arguments.extend(TEXT);
        }
        let run = program
            .send_command(&gateway.url(), &arguments)
            .within(&read_only)
            .run();
        fails(&run, &["customers.ledger", "Read-only file system"]);
    }
    for command in [
        &["status", "customers.ledger"][..],
        &["verify", "customers.ledger"],
        &["results", "customers.ledger", "--status", "accepted"],
    ] {
        program.command(command).within(&read_only).run().exits(0);
    }
    assert_eq!(gateway.taken().len(), 30);
    ends_well(&program, &gateway, &customers(&[]), 0);
}

// --- Replaced files ------------------------------------------------------------------------------

#[test]
fn another_file_in_the_place_of_one_of_ours() {
    type Act = fn(&Program);
    let table: [(&str, Act, Act); 8] = [
        (
            "customers.ledger",
            |p| fs::create_dir(p.path("customers.ledger")).unwrap(),
            |p| fs::remove_dir(p.path("customers.ledger")).unwrap(),
        ),
        (
            "customers.ledger",
            |p| symlink("nowhere", p.path("customers.ledger")).unwrap(),
            |p| fs::remove_file(p.path("customers.ledger")).unwrap(),
        ),
        (
            "customers.ledger",
            |p| drop(p.write("customers.ledger", "")),
            |p| fs::remove_file(p.path("customers.ledger")).unwrap(),
        ),
        (
            "customers.ledger",
            |p| drop(p.write("customers.ledger", people(500))),
            |p| fs::remove_file(p.path("customers.ledger")).unwrap(),
        ),
        (
            "customers.ledger.lock",
            |p| fs::create_dir(p.path("customers.ledger.lock")).unwrap(),
            |p| fs::remove_dir(p.path("customers.ledger.lock")).unwrap(),
        ),
        (
            "customers.ledger.partial",
            |p| fs::create_dir(p.path("customers.ledger.partial")).unwrap(),
            |p| fs::remove_dir(p.path("customers.ledger.partial")).unwrap(),
        ),
        (
            "customers.ledger-wal",
            |p| fs::create_dir(p.path("customers.ledger-wal")).unwrap(),
            |p| fs::remove_dir(p.path("customers.ledger-wal")).unwrap(),
        ),
        (
            "customers.ledger-shm",
            |p| drop(p.write("customers.ledger-shm", vec![0; 32_768])),
            |p| fs::remove_file(p.path("customers.ledger-shm")).unwrap(),
        ),
    ];
    for (named, act, undo) in table {
        let program = Program::with(&[("customers.csv", &people(3))]);
        let gateway = Gateway::accepting();
        act(&program);
        let mut plan = vec!["plan"];
        plan.extend(customers(&[]));
        fails(&program.send(&gateway, &customers(&[])), &[named]);
        fails(&program.run(&plan), &[named]);
        assert_eq!(gateway.count(), 0);
        undo(&program);
        program.send(&gateway, &customers(&[])).exits(0);
        assert_eq!(gateway.taken().len(), 3);
    }
    // The folder of the ledger is a file.
    let program = Program::with(&[("customers.csv", &people(3))]);
    let gateway = Gateway::accepting();
    let inside = customers(&["--ledger", "customers.csv/x.ledger"]);
    fails(
        &program.send(&gateway, &inside),
        &["customers.csv/x.ledger"],
    );
    assert_eq!(gateway.count(), 0);
}

/// A change to the files of a campaign with 5 settled requests and a 6th under way, and how it is undone.
struct FileChange {
    what: &'static str,
    act: fn(&Program),
    undo: fn(&Program),
    /// The file that the run names when it stops. `None`: it does not stop.
    named: Option<&'static str>,
    /// Why the next run refuses after a kill, if it does.
    lost_with_a_kill: Option<&'static str>,
}

fn mv(program: &Program, from: &str, to: &str) {
    fs::rename(program.path(from), program.path(to)).unwrap();
}

fn rm(program: &Program, name: &str) {
    fs::remove_file(program.path(name)).unwrap();
}

fn nothing(_: &Program) {}

const CHANGES: [FileChange; 11] = [
    FileChange {
        what: "renamed",
        act: |p| mv(p, "customers.ledger", "away"),
        undo: |p| mv(p, "away", "customers.ledger"),
        named: Some("customers.ledger"),
        lost_with_a_kill: None,
    },
    FileChange {
        what: "replaced by a copy of itself",
        act: |p| {
            fs::copy(p.path("customers.ledger"), p.path("copy")).unwrap();
            mv(p, "copy", "customers.ledger");
        },
        undo: nothing,
        named: Some("customers.ledger"),
        lost_with_a_kill: None,
    },
    FileChange {
        what: "another campaign's ledger in its place",
        act: |p| {
            mv(p, "customers.ledger", "away");
            fs::copy(p.path("other.ledger"), p.path("customers.ledger")).unwrap();
        },
        undo: |p| mv(p, "away", "customers.ledger"),
        named: Some("customers.ledger"),
        lost_with_a_kill: None,
    },
    FileChange {
        what: "a folder in its place",
        act: |p| {
            mv(p, "customers.ledger", "away");
            fs::create_dir(p.path("customers.ledger")).unwrap();
        },
        undo: |p| {
            fs::remove_dir(p.path("customers.ledger")).unwrap();
            mv(p, "away", "customers.ledger");
        },
        named: Some("customers.ledger"),
        lost_with_a_kill: None,
    },
    FileChange {
        what: "a link to nowhere in its place",
        act: |p| {
            mv(p, "customers.ledger", "away");
            symlink("nowhere", p.path("customers.ledger")).unwrap();
        },
        undo: |p| mv(p, "away", "customers.ledger"),
        named: Some("customers.ledger"),
        lost_with_a_kill: None,
    },
    FileChange {
        what: "a link to itself in its place",
        act: |p| {
            mv(p, "customers.ledger", "away");
            symlink("away", p.path("customers.ledger")).unwrap();
        },
        undo: |p| mv(p, "away", "customers.ledger"),
        named: Some("customers.ledger"),
        lost_with_a_kill: None,
    },
    FileChange {
        what: "without its lock",
        act: |p| rm(p, "customers.ledger.lock"),
        undo: nothing,
        named: Some("customers.ledger.lock"),
        lost_with_a_kill: None,
    },
    FileChange {
        what: "with another lock",
        act: |p| {
            rm(p, "customers.ledger.lock");
            p.write("customers.ledger.lock", "");
        },
        undo: nothing,
        named: Some("customers.ledger.lock"),
        lost_with_a_kill: None,
    },
    FileChange {
        what: "without its log",
        act: |p| rm(p, "customers.ledger-wal"),
        undo: nothing,
        named: Some("customers.ledger-wal"),
        lost_with_a_kill: Some("older copy"),
    },
    FileChange {
        what: "without its shared memory",
        act: |p| rm(p, "customers.ledger-shm"),
        undo: nothing,
        named: Some("customers.ledger-shm"),
        lost_with_a_kill: None,
    },
    FileChange {
        what: "with a second name",
        act: |p| {
            fs::hard_link(p.path("customers.ledger"), p.path("second.ledger")).unwrap();
        },
        undo: |p| rm(p, "second.ledger"),
        named: None,
        lost_with_a_kill: None,
    },
];

const ROWS: usize = 20;

/// Makes the change while 5 requests are settled and the 6th is under way. Then the gateway answers, or the program is killed.
fn change_files(change: &FileChange, killed: bool) -> (Program, Gateway, Run) {
    let program = Program::with(&[
        ("customers.csv", &own_texts(ROWS)),
        ("other.csv", &own_texts(ROWS + 2)),
    ]);
    program.run(&["plan", "other.csv"]).exits(0);
    let gate = Gate::closed();
    let held = gate.clone();
    let gateway = Gateway::new(move |_, nth| match nth {
        5 => Reply::accepted(trx_of(nth)).behind(&held),
        _ => Reply::accepted(trx_of(nth)),
    });
    let running = program.send_command(&gateway.url(), &ONE_AT_A_TIME).start();
    gateway.wait_for_requests(6);
    (change.act)(&program);
    if killed {
        running.signal("KILL");
    } else {
        gate.open();
    }
    let run = running.wait();
    gate.open();
    (program, gateway, run)
}

const ONE_AT_A_TIME: [&str; 3] = ["customers.csv", "--concurrency", "1"];

#[test]
fn files_changed_while_sending() {
    for change in CHANGES {
        eprintln!("{}", change.what);
        let (program, gateway, run) = change_files(&change, false);
        let Some(named) = change.named else {
            run.exits(0);
            continue;
        };
        fails(&run, &[named]);
        assert_eq!(
            gateway.count(),
            6,
            "nothing is sent that cannot be recorded"
        );
        (change.undo)(&program);
        ends_well(&program, &gateway, &ONE_AT_A_TIME, 1).exits(5);
        assert_eq!(gateway.count(), ROWS);
        program.no_secret_anywhere(common::PASSWORD);
    }
}

#[test]
fn files_changed_before_a_kill() {
    for change in CHANGES {
        eprintln!("{}", change.what);
        let (program, gateway, run) = change_files(&change, true);
        run.dies_of(SIGKILL);
        (change.undo)(&program);
        if let Some(why) = change.lost_with_a_kill {
            fails(&program.send(&gateway, &ONE_AT_A_TIME), &[why]);
            fails(&program.send(&gateway, &["customers.ledger"]), &[why]);
            assert_eq!(gateway.count(), 6);
            continue;
        }
        ends_well(&program, &gateway, &ONE_AT_A_TIME, 1).exits(5);
        assert_eq!(gateway.count(), ROWS);
    }
}

#[test]
fn another_ledger_beside_the_log_of_a_killed_run() {
    let change = &CHANGES[2];
    for killed in [false, true] {
        let (program, gateway, _) = change_files(change, killed);
        let other = fs::read(program.path("other.ledger")).unwrap();
        for run in [
            program.send(&gateway, &ONE_AT_A_TIME),
            program.send(&gateway, &["customers.ledger"]),
            program.run(&["plan", "customers.csv"]),
            program.run(&["status", "customers.ledger"]),
            program.run(&["verify", "customers.ledger"]),
            program.run(&["results", "customers.ledger"]),
            program.run(&["resolve", "customers.ledger", "--all", "--as", "accepted"]),
            program.send(&gateway, &["customers.ledger", "--sandbox"]),
        ] {
            run.shows(run.code != Some(0), "the log is not its own");
        }
        fails(
            &program.run(&["status", "customers.ledger"]),
            &["customers.ledger-wal", "log of another ledger"],
        );
        assert_eq!(
            fs::read(program.path("customers.ledger")).unwrap(),
            other,
            "nothing of the log came into it"
        );
        assert_eq!(gateway.count(), 6);
        // As the message says: with the log beside its own ledger, both are right.
        mv(&program, "customers.ledger-wal", "away-wal");
        verifies(&program, "customers.ledger");
        fails(
            &program.send(&gateway, &["customers.ledger"]),
            &["another ledger", "messages were sent"],
        );
        verifies(&program, "away");
        program
            .run(&["results", "away", "--results", "away.csv"])
            .exits(0);
        assert_eq!(
            count_statuses(&program.results("away.csv")),
            counts(&[("accepted", 5), ("pending", ROWS - 6), ("unknown", 1)])
        );
    }
}

#[test]
fn an_earlier_state_beside_the_log_of_a_killed_run() {
    for (before, after) in [(0, 1), (3, 2), (18, 1), (60, 5), (100, 40)] {
        let program = Program::with(&[("customers.csv", &own_texts(200))]);
        let victim = Victim::new();
        let killer = victim.clone();
        let gateway = Gateway::new(move |_, nth| {
            if nth == before + after {
                killer.signal("KILL");
            }
            Reply::accepted(trx_of(nth))
        });
        program.run(&["plan", "customers.csv"]).exits(0);
        fs::copy(program.path("customers.ledger"), program.path("backup")).unwrap();
        if before > 0 {
            let mut first = ONE_AT_A_TIME.to_vec();
            let limit = before.to_string();
            first.extend(["--limit", &limit]);
            program.send(&gateway, &first).exits(0);
        }
        let running = program.send_command(&gateway.url(), &ONE_AT_A_TIME).start();
        victim.is(&running);
        running.wait().dies_of(SIGKILL);
        fs::copy(program.path("backup"), program.path("customers.ledger")).unwrap();
        // The log may restore it. If it does not, nothing is sent.
        let run = program.send(&gateway, &ONE_AT_A_TIME);
        gateway.assert_nothing_twice();
        if run.code == Some(1) {
            fails(&run, &["customers.ledger"]);
            assert_eq!(gateway.count(), before + after + 1);
        } else {
            run.exits(5);
            assert_eq!(gateway.taken().len(), 200);
            verifies(&program, "customers.ledger");
        }
    }
}

// --- Between two runs -----------------------------------------------------------------------------------------

#[test]
fn reading_an_earlier_state_does_not_make_it_sendable() {
    // With this many rows the log holds the attempts of all runs, but not all batches.
    let mut csv = String::from("phone,message,extra\n");
    for i in 0..182 {
        writeln!(csv, "{},Hello 0,\"x,{i}\"", phone(i)).unwrap();
    }
    let one_each = ["customers.csv", "--batch-size", "1", "--concurrency", "1"];
    for look in ["status", "results", "verify"] {
        let program = Program::with(&[("customers.csv", &csv)]);
        let victim = Victim::new();
        let killer = victim.clone();
        let gateway = Gateway::new(move |_, nth| {
            if nth == 50 + 20 + 31 {
                killer.signal("KILL");
            }
            Reply::accepted(trx_of(nth))
        });
        for (limit, backup) in [("50", true), ("20", false)] {
            let mut some = one_each.to_vec();
            some.extend(["--limit", limit]);
            program.send(&gateway, &some).exits(0);
            if backup {
                fs::copy(program.path("customers.ledger"), program.path("backup")).unwrap();
            }
        }
        let running = program.send_command(&gateway.url(), &one_each).start();
        victim.is(&running);
        running.wait().dies_of(SIGKILL);
        fs::rename(program.path("backup"), program.path("customers.ledger")).unwrap();
        // Any command that reads the file replays the log into it and removes the log.
        program.run(&[look, "customers.ledger"]);
        let run = program.send(&gateway, &one_each);
        gateway.assert_nothing_twice();
        fails(&run, &["customers.ledger", "does not add up"]);
    }
}

#[test]
fn files_changed_between_two_runs() {
    type Act = fn(&Program);
    // Why the next run refuses, if it does.
    let table: [(&str, Act, Option<&str>); 7] = [
        ("deleted", |p| rm(p, "customers.ledger"), Some("it is gone")),
        (
            "another campaign's",
            |p| mv(p, "other.ledger", "customers.ledger"),
            Some("another ledger"),
        ),
        (
            "a copy of itself",
            |p| {
                fs::copy(p.path("customers.ledger"), p.path("copy")).unwrap();
                mv(p, "copy", "customers.ledger");
            },
            None,
        ),
        (
            "a link to itself",
            |p| {
                mv(p, "customers.ledger", "away");
                symlink("away", p.path("customers.ledger")).unwrap();
            },
            None,
        ),
        ("without its lock", |p| rm(p, "customers.ledger.lock"), None),
        (
            "beside an empty log",
            |p| drop(p.write("customers.ledger-wal", "")),
            None,
        ),
        (
            "beside a file that is not a log",
            |p| drop(p.write("customers.ledger-wal", vec![7; 9_000])),
            None,
        ),
    ];
    for (what, act, refusal) in table {
        eprintln!("{what}");
        let program = Program::with(&[
            ("customers.csv", &own_texts(ROWS)),
            ("other.csv", &own_texts(ROWS + 2)),
        ]);
        program.run(&["plan", "other.csv"]).exits(0);
        let gateway = Gateway::accepting();
        program
            .send(&gateway, &["customers.csv", "--limit", "7"])
            .exits(0);
        act(&program);
        let run = program.send(&gateway, &ONE_AT_A_TIME);
        if let Some(why) = refusal {
            fails(&run, &["customers.ledger", why]);
            assert_eq!(gateway.count(), 7);
        } else {
            ends_well(&program, &gateway, &ONE_AT_A_TIME, 0);
            assert_eq!(gateway.count(), ROWS);
        }
        gateway.assert_nothing_twice();
    }
}

#[test]
fn a_ledger_that_goes_missing_after_its_lock_did() {
    let program = Program::with(&[("customers.csv", &own_texts(ROWS))]);
    let gateway = Gateway::accepting();
    program.send(&gateway, &["customers.csv"]).exits(0);
    rm(&program, "customers.ledger.lock");
    // A run that finds nothing to send restores what the lock must know.
    program.send(&gateway, &["customers.csv"]).exits(0);
    rm(&program, "customers.ledger");
    fails(
        &program.send(&gateway, &["customers.csv"]),
        &["customers.ledger", "it is gone"],
    );
    assert_eq!(gateway.count(), ROWS);
}

// --- One ledger with several names --------------------------------------------------------------------------------

#[test]
fn one_ledger_by_several_paths_is_sent_once() {
    let program = Program::with(&[("customers.csv", &own_texts(ROWS))]);
    program.run(&["plan", "customers.csv"]).exits(0);
    symlink("customers.ledger", program.path("link.ledger")).unwrap();
    symlink("link.ledger", program.path("link-of-link.ledger")).unwrap();
    symlink(".", program.path("folder")).unwrap();
    let gate = Gate::closed();
    let gateway = Gateway::behind(&gate);
    let absolute = program.path("customers.ledger").display().to_string();
    let first = program
        .send_command(&gateway.url(), &["link.ledger", "--concurrency", "1"])
        .start();
    gateway.wait_for_requests(1);
    let holder = format!("process {}", first.pid);
    for path in [
        "customers.ledger",
        "./customers.ledger",
        "folder/customers.ledger",
        "folder/folder/link.ledger",
        "link.ledger",
        "link-of-link.ledger",
        &absolute,
        "customers.csv",
        "folder/customers.csv",
    ] {
        fails(&program.send(&gateway, &[path]), &["is in use by", &holder]);
    }
    fs::hard_link(
        program.path("customers.ledger"),
        program.path("hard.ledger"),
    )
    .unwrap();
    for path in ["hard.ledger", "customers.ledger"] {
        program.run(&["status", path]).exits(0);
    }
    for run in [
        program.send(&gateway, &["hard.ledger"]),
        program.run(&["resolve", "hard.ledger", "--all", "--as", "not-sent"]),
    ] {
        fails(&run, &["hard.ledger", "second name"]);
    }
    gate.open();
    first.wait().exits(0);
    gateway.assert_nothing_twice();
    assert_eq!(
        gateway.numbers_taken(),
        (0..ROWS).map(msisdn).collect::<Vec<_>>()
    );
    verifies(&program, "customers.ledger");
    // Now neither name can be sent from.
    for path in ["hard.ledger", "customers.ledger"] {
        fails(&program.send(&gateway, &[path]), &[path, "second name"]);
    }
}

#[test]
fn status_says_that_a_run_is_under_way() {
    if !Path::new("/proc/locks").exists() {
        eprintln!("left out: this system does not show who holds a lock");
        return;
    }
    let program = Program::with(&[("customers.csv", &own_texts(3))]);
    let gate = Gate::closed();
    let gateway = Gateway::behind(&gate);
    let running = program.send_command(&gateway.url(), &ONE_AT_A_TIME).start();
    gateway.wait_for_requests(1);
    let during = program.run(&["status", "customers.ledger"]).stdout;
    let holder = format!("in use by process {}", running.pid);
    assert!(
        during.contains(&holder) && !during.contains("resolve"),
        "{during}"
    );
    running.signal("KILL");
    running.wait().dies_of(SIGKILL);
    gate.open();
    let after = program.run(&["status", "customers.ledger"]).stdout;
    assert!(
        after.contains("resolve") && !after.contains("in use"),
        "{after}"
    );
}

#[test]
fn a_plan_goes_where_the_link_in_its_place_leads() {
    let program = Program::with(&[("customers.csv", &own_texts(3))]);
    fs::create_dir(program.path("disk")).unwrap();
    program.run(&["plan", "customers.csv"]).exits(0);
    mv(&program, "customers.ledger", "disk/real.ledger");
    symlink("disk/real.ledger", program.path("customers.ledger")).unwrap();
    program.write("customers.csv", own_texts(4));
    program.run(&["plan", "customers.csv"]).exits(0);
    assert!(program.path("customers.ledger").is_symlink());
    let gateway = Gateway::accepting();
    program.send(&gateway, &["disk/real.ledger"]).exits(0);
    program.send(&gateway, &["customers.csv"]).exits(0);
    gateway.assert_nothing_twice();
    assert_eq!(gateway.taken().len(), 4);
    verifies(&program, "customers.ledger");
}
