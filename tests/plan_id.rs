//! The id of a plan: one person approves it, and another sends that plan and no other.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::gateway::trx_of;
use common::{Backend, Gateway, Program, Reply, on_every_backend, own_texts, phone};

on_every_backend!(
    a_plan_is_sent_by_its_id_through_every_resume,
    what_would_go_out_decides_the_id,
    another_plan_is_not_sent,
);

/// In a store, a plan is made again only where that is asked for.
const ANEW: [&str; 4] = ["plan", "a.csv", "--on-change", "new"];

/// The id that a command shows.
fn id(program: &Program, arguments: &[&str]) -> String {
    let run = program.run(arguments);
    let line = run
        .exits(0)
        .stdout
        .lines()
        .find(|line| line.starts_with("Plan id"));
    let id = line.unwrap().split_whitespace().last().unwrap();
    assert_eq!(id.len(), 9, "{run}");
    id.to_owned()
}

fn a_plan_is_sent_by_its_id_through_every_resume(backend: Backend) {
    let program = Program::on(backend, &[("a.csv", &own_texts(6))]);
    let ledger = program.ledger("a");
    let planned = id(&program, &["plan", "a.csv"]);
    let same = || {
        assert_eq!(id(&program, &["status", &ledger]), planned);
        assert_eq!(id(&program, &["plan", "a.csv"]), planned);
    };
    same();
    // The second request has no usable answer.
    let gateway = Gateway::new(|_, nth| match nth {
        1 => Reply::ok(""),
        _ => Reply::accepted(trx_of(nth)),
    });
    let send = |more: &[&str]| {
        let asked = [&ledger, "--plan-id", &planned.to_uppercase()];
        program.send(&gateway, &[&asked[..], more].concat())
    };
    send(&["--limit", "2"]).exits(5);
    same();
    program.write("out.txt", format!("{}\n", phone(5)));
    send(&["--limit", "1", "--suppress", "out.txt"]).exits(5);
    same();
    program
        .run(&["cancel", &ledger, "--rows", "5", "--yes"])
        .exits(0);
    program
        .run(&["resolve", &ledger, "--all", "--as", "not-sent"])
        .exits(0);
    same();
    send(&[]).exits(0);
    same();
    program.run(&["verify", &ledger]).exits(0);
}

fn what_would_go_out_decides_the_id(backend: Backend) {
    let program = Program::on(backend, &[("a.csv", &own_texts(3))]);
    program.write("out.txt", format!("{}\n", phone(1)));
    let first = id(&program, &["plan", "a.csv"]);
    let mut ids = vec![first.clone()];
    for options in [
        &["--message", "KedaiKu: we are open"][..],
        &["--sender-id", "KedaiKu"],
        &["--type", "unicode"],
        &["--suppress", "out.txt"],
    ] {
        ids.push(id(&program, &[&ANEW[..], options].concat()));
    }
    program.write("a.csv", own_texts(3).replace("parcel 2", "parcel 3"));
    ids.push(id(&program, &ANEW));
    for (nth, id) in ids.iter().enumerate() {
        assert!(!ids[..nth].contains(id), "{ids:?}");
    }
    // How it is sent, and where the spreadsheet is, does not.
    program.write("b.csv", own_texts(3));
    assert_eq!(id(&program, &["plan", "b.csv", "--batch-size", "1"]), first);
}

fn another_plan_is_not_sent(backend: Backend) {
    let program = Program::on(backend, &[("a.csv", &own_texts(3))]);
    let ledger = program.ledger("a");
    let approved = id(&program, &["plan", "a.csv"]);
    let gateway = Gateway::accepting();
    let send = |named: &str, id: &str| program.send(&gateway, &[named, "--plan-id", id]);
    program.write("a.csv", own_texts(4));
    let planned = id(&program, &ANEW);
    send(&ledger, &approved)
        .exits(1)
        .says(&[&approved, &planned]);
    // A text that was changed by hand is another plan too.
    let sql = "UPDATE recipient SET text = 'KedaiKu: all is free' WHERE row = 1";
    program.change("a", sql);
    send(&ledger, &planned).exits(1).says(&[&planned]);
    // A spreadsheet can change, so it has no id; nor has a file that names one.
    program.write("c.toml", "recipients = \"a.csv\"\n");
    for named in ["a.csv", "c.toml"] {
        let hint = format!("{ledger} --plan-id {planned}");
        send(named, &planned).exits(2).says(&["--plan-id", &hint]);
    }
    send(&ledger, "7").exits(2).says(&["k7q2-9xwd"]);
    assert_eq!(gateway.count(), 0);
}

/// The sandbox always has a file.
#[test]
fn a_rehearsal_has_the_id_of_its_plan() {
    let program = Program::with(&[("a.csv", &own_texts(3))]);
    let ledger = program.ledger("a");
    let planned = id(&program, &["plan", "a.csv", "--summary-json", "plan.json"]);
    assert_eq!(program.summary_json("plan.json")["plan_id"], planned);
    let json = program.run(&["status", &ledger, "--json"]);
    assert!(
        json.exits(0)
            .stdout
            .contains(&format!("\"plan_id\": \"{planned}\"")),
        "{json}"
    );
    let rehearse = ["send", &ledger, "--sandbox", "--yes", "--plan-id", &planned];
    program.run(&rehearse).exits(0);
}
