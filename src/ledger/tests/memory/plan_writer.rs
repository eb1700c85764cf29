//! Writing a plan into memory.

use super::*;

#[derive(Debug)]
pub(super) struct Unfinished {
    pub(super) place: Place,
    pub(super) planned: Vec<Planned>,
    pub(super) rows: Vec<Arc<Row>>,
    pub(super) batches: Vec<Arc<OneBatch>>,
}

impl PlanWriter for Unfinished {
    fn inserts(&mut self) -> Result<Box<dyn PlanInserts + '_>> {
        Ok(Box::new(self))
    }

    fn text_of(&self, row: u64) -> Result<Option<String>> {
        let planned = self.planned.get(row as usize - 1);
        Ok(planned.and_then(|planned| Some(planned.text.as_ref()?.body.to_string())))
    }

    fn texts(&self, each: &mut dyn FnMut(Status, Msisdn, &str)) -> Result<()> {
        for (planned, row) in self.planned.iter().zip(&self.rows) {
            planned.hand_text(row, row.status, each);
        }
        Ok(())
    }

    fn finish(self: Box<Self>, campaign: &Campaign, replacing: bool) -> Result<()> {
        let mut kept = self.place.kept();
        if kept.ledger.is_some() && !replacing {
            return Err(Error::new(Kind::Ledger, "something is in its place"));
        }
        kept.ledger = Some(Arc::new(Data {
            plan: Arc::new(Plan {
                campaign: campaign.clone(),
                rows: self.planned,
            }),
            gateway_host: None,
            begins_at: None,
            expires_at: None,
            schedules: campaign.schedules.clone(),
            rows: self.rows,
            batches: self.batches,
            attempts: Vec::new(),
            decisions: Vec::new(),
        }));
        Ok(())
    }
}

impl PlanInserts for &mut Unfinished {
    fn rows(&mut self, rows: &[PlannedRow<'_>]) -> Result<()> {
        for row in rows {
            let (status, batch, reason) = match row.disposition {
                Disposition::Send(batch) => (Status::Pending, Some(BatchId(batch.into())), None),
                Disposition::Invalid(reason) => (Status::Invalid, None, Some(reason)),
                Disposition::Duplicate(reason) => (Status::Duplicate, None, Some(reason)),
                Disposition::Suppressed(reason) => (Status::Suppressed, None, Some(reason)),
            };
            self.rows.push(Arc::new(Row {
                status,
                batch,
                reason: reason.map(str::to_owned),
                trx_id: None,
            }));
            self.planned.push(Planned {
                cells: row.cells.to_owned(),
                msisdn: row.msisdn,
                text: row.text.map(|RowText { text, .. }| StoredText {
                    body: text.body.as_str().into(),
                    encoding: text.encoding,
                    credits: text.credits(),
                }),
            });
            let last = batch.map_or(0, |batch| batch.0 as usize);
            while self.batches.len() < last {
                self.batches.push(Arc::new(OneBatch::planned()));
            }
            if self.rows.len() != row.row as usize {
                return Err(Error::new(Kind::Ledger, "the plan is not in order"));
            }
        }
        Ok(())
    }
}
