//! What holds only where several hosts send one campaign.

use super::*;
use crate::ledger::tests::{in_a_file, in_postgres, postgres_server};

#[test]
fn a_request_is_written_soon_after_its_claim_where_others_may_take_it_over() {
    for (new, is_shared) in [(in_a_file as fn() -> _, false), (in_postgres, true)] {
        if is_shared && postgres_server::server().is_none() {
            continue;
        }
        for workers in [1, 2] {
            let place = new();
            plan(&place, &[1; 4]);
            let fenced = Arc::new(AtomicUsize::new(0));
            let counted = fenced.clone();
            let responder = Arc::new(move |request: &Request<'_>| {
                counted.fetch_add(request.fence.is_some().into(), Ordering::SeqCst);
                Outcomes::All(accepted())
            });
            assert_eq!(send(&place, workers, &policy(), responder).stop, None);
            let expected = if is_shared { 4 } else { 0 };
            assert_eq!(fenced.load(Ordering::SeqCst), expected);
            assert_adds_up(&place);
        }
    }
}
