//! A ledger that is there and that this user cannot use: whose it is, and never the advice to make another one, with which
//! everybody would get the message again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

use common::program::Run;
use common::{Gateway, Program};

/// Two users without a name, and one with.
const ONE: u32 = 61_001;
const OTHER: u32 = 61_002;
const NOBODY: u32 = 65_534;

/// Whether other users can be tried here. Only root can become another user.
fn is_root() -> bool {
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    if !is_root {
        eprintln!("skipped: only root can run the program as another user");
    }
    is_root
}

fn allow(program: &Program, name: &str, mode: u32) {
    fs::set_permissions(program.path(name), Permissions::from_mode(mode)).unwrap();
}

/// A folder that everybody can write to, with a campaign that this user has half sent.
fn half_sent(owner: u32, gateway: &Gateway) -> Program {
    let program = Program::with(&[(
        "a.csv",
        "phone,message\n0125550001,hello\n0125550002,hello\n",
    )]);
    allow(&program, ".", 0o777);
    allow(&program, "a.csv", 0o644);
    program
        .send_command(&gateway.url(), &["a.csv", "--limit", "1"])
        .user(owner)
        .run()
        .exits(0);
    program
}

/// Every command that uses the ledger, and what each says as this user.
fn tried(program: &Program, user: u32, gateway: &Gateway, wanted: &[&str]) {
    let before = gateway.requests().len();
    for command in [
        &["plan", "a.csv"][..],
        &["plan", "a.csv", "--on-change", "new"],
        &["send", "a.csv", "--yes"],
        &["send", "a.ledger", "--yes"],
        &["status", "a.ledger"],
        &["verify", "a.ledger"],
        &["results", "a.ledger"],
        &["results", "a.ledger", "--status", "pending"],
        &["resolve", "a.ledger", "--all", "--as", "not-sent"],
    ] {
        let mut command = program.command(command).credentials().user(user);
        command = command.env("ISMS_GATEWAY", gateway.url());
        let run = command.run();
        refused(&run, wanted);
    }
    assert_eq!(gateway.requests().len(), before, "something was sent");
}

fn refused(run: &Run, wanted: &[&str]) {
    run.exits(1).says(wanted);
    run.shows(
        !run.stderr.contains("--ledger"),
        "another ledger is offered",
    );
    run.shows(
        !run.stderr.contains("another copy"),
        "another ledger is offered",
    );
}

#[test]
fn another_users_ledger_is_theirs_to_use() {
    if !is_root() {
        return;
    }
    let gateway = Gateway::accepting();
    let program = half_sent(ONE, &gateway);
    let whose = ["belongs to the user with the number 61001", "run this as"];
    tried(&program, OTHER, &gateway, &whose);

    // Without its lock: none is made that would keep its owner out.
    fs::remove_file(program.path("a.ledger.lock")).unwrap();
    tried(&program, OTHER, &gateway, &whose);
    assert!(!program.files().contains(&"a.ledger.lock".to_owned()));

    // With nothing but the lock: it records that messages were sent.
    let program = half_sent(ONE, &gateway);
    fs::remove_file(program.path("a.ledger")).unwrap();
    for command in [&["plan", "a.csv"][..], &["send", "a.csv", "--yes"]] {
        let run = program.command(command).credentials().user(OTHER).run();
        refused(&run, &whose);
    }

    // With a ledger that everybody can read, what it says can be shown; its lock cannot be checked.
    let program = half_sent(NOBODY, &gateway);
    allow(&program, "a.ledger", 0o644);
    let whose = ["belongs to nobody", "run this as nobody"];
    let run = |command: &[&str]| program.command(command).credentials().user(OTHER).run();
    run(&["status", "a.ledger"]).exits(0);
    refused(&run(&["verify", "a.ledger"]), &whose);
    refused(&run(&["send", "a.csv", "--yes"]), &whose);

    // Its owner goes on.
    program
        .send_command(&gateway.url(), &["a.csv"])
        .user(NOBODY)
        .run()
        .exits(0);
}

#[test]
fn a_folder_that_cannot_be_entered_may_hold_a_ledger() {
    if !is_root() {
        return;
    }
    let gateway = Gateway::accepting();
    let program = half_sent(ONE, &gateway);
    allow(&program, ".", 0o700);
    chown(program.path("."), Some(ONE), None).unwrap();
    let (list, ledger) = (program.path("a.csv"), program.path("a.ledger"));
    let outside = Program::new();
    allow(&outside, ".", 0o777);
    for command in ["status", "verify", "results", "send"] {
        let more: &[&str] = if command == "send" { &["--yes"] } else { &[] };
        let run = outside
            .command(&[command, ledger.to_str().unwrap()])
            .more(more)
            .credentials()
            .user(OTHER)
            .run();
        refused(&run, &["belongs to the user with the number 61001"]);
    }
    let list = fs::copy(list, outside.path("a.csv")).unwrap();
    assert!(list > 0);
    let named = ledger.to_str().unwrap();
    let run = outside
        .command(&["send", "a.csv", "--yes", "--ledger", named])
        .credentials()
        .user(OTHER)
        .run();
    run.exits(1)
        .says(&["belongs to the user with the number 61001"]);
    allow(&program, ".", 0o777);
}

#[test]
fn ones_own_ledger_may_be_without_rights_or_in_a_folder_without_any() {
    if !is_root() {
        return;
    }
    let gateway = Gateway::accepting();
    let program = half_sent(ONE, &gateway);
    for name in ["a.ledger", "a.ledger.lock"] {
        allow(&program, name, 0o000);
        let send = ["send", "a.csv", "--yes"];
        let run = program.command(&send).credentials().user(ONE).run();
        refused(
            &run,
            &["this user's own", "allow its user to read and write it"],
        );
        allow(&program, name, 0o600);
    }
    // A folder that cannot be written: it is read, and not sent.
    allow(&program, ".", 0o755);
    let run = |command: &[&str]| program.command(command).credentials().user(ONE).run();
    run(&["status", "a.ledger"]).exits(0);
    run(&["verify", "a.ledger"]).exits(0);
    let whose = ["belongs to root", "run this as root"];
    refused(
        &run(&["resolve", "a.ledger", "--all", "--as", "not-sent"]),
        &whose,
    );
    fs::remove_file(program.path("a.ledger.lock")).unwrap();
    refused(&run(&["plan", "a.csv"]), &whose);
    // Where nothing was ever planned, another place is the way out.
    fs::remove_file(program.path("a.ledger")).unwrap();
    run(&["plan", "a.csv"]).exits(1).says(&["--ledger"]);
}
