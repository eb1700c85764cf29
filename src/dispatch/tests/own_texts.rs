//! Requests whose messages have texts of their own: whatever a gateway answers, each recipient gets its own text, once.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

/// The texts of one batch: all ASCII, or all Unicode.
fn batch() -> impl Strategy<Value = Vec<&'static str>> {
    prop_oneof![
        prop::collection::vec(prop_oneof![Just("a"), Just("b"), Just("c")], 1..6),
        prop::collection::vec(prop_oneof![Just("\u{e9}"), Just("\u{4f60}")], 1..6),
    ]
}

/// Answers that leave what a request held to be sent again.
fn answer() -> impl Strategy<Value = Option<Outcome>> {
    let again = prop_oneof![
        Just(refused(-1009)),
        Just(refused(-1010)),
        Just(not_sent()),
        Just(throttled()),
    ];
    prop::option::weighted(0.6, again)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_recipient_gets_its_own_text(
        batches in prop::collection::vec(batch(), 1..5),
        answers in prop::collection::vec(answer(), 0..8),
        limit in prop::option::of(0..12_u64),
        workers in 1..=3_usize,
    ) {
        let ledger = in_memory();
        plan_own_texts(&ledger, &batches, of_one_type(5));
        let taken: Arc<Mutex<HashMap<Msisdn, Vec<String>>>> = Arc::default();
        let (record, turn) = (taken.clone(), AtomicUsize::new(0));
        let responder: Arc<Responder> = Arc::new(move |request| {
            assert!(of_one_type(5).allow(request.messages), "{request:?}");
            let nth = turn.fetch_add(1, Ordering::SeqCst);
            match answers.get(nth).cloned().flatten() {
                // A single recipient would be refused.
                Some(outcome) if request.messages.len() > 1 => Outcomes::All(outcome),
                _ => {
                    let mut record = record.lock().unwrap();
                    for to in request.messages {
                        record.entry(to.number).or_default().push(to.text.to_string());
                    }
                    Outcomes::Each(vec![accepted(); request.messages.len()])
                }
            }
        });
        for limit in [limit, None] {
            let policy = Policy {
                limit,
                split_bad_numbers: true,
                give_up_after: Duration::MAX,
                ..policy()
            };
            let run = send(&ledger, workers, &policy, responder.clone());
            assert_eq!((run.stop, &run.ending.error), (None, &None));
            run.ending.ledger.unwrap().close().unwrap();
            assert_adds_up(&ledger);
        }
        let taken = taken.lock().unwrap();
        for (row, text) in (1..).zip(batches.concat()) {
            let got = taken.get(&number(row)).map(|got| &got[..]);
            assert_eq!(got, Some(&[text.to_owned()][..]), "row {row}");
        }
        assert_eq!(taken.len(), batches.concat().len());
    }
}
