//! What an outage cost.

use std::cell::RefCell;
use std::rc::Rc;

use super::replay::Outage;
use super::watched::Watch;

/// A request.
pub(crate) struct Request {
    /// When it began, milliseconds since the world did.
    pub(crate) began: u64,
    /// Milliseconds to its last byte.
    pub(crate) took: u64,
    pub(crate) is_answered: bool,
}

/// How an isolate found out that all is well again.
#[derive(Debug)]
pub(crate) struct Healed {
    /// Calls until the first answer.
    pub(crate) calls: u32,
    /// Milliseconds until then.
    after: u64,
}

/// The figures of an outage.
#[derive(Debug)]
pub(crate) struct Figures {
    /// Requests during the outage, and those of them that were answered.
    requests: u64,
    answered: u64,
    /// Calls of models during the outage.
    calls: u64,
    before: Latency,
    during: Latency,
    /// Of each isolate, the failures after which it left the model alone.
    pub(crate) opened: Vec<u32>,
    /// Of each isolate.
    pub(crate) healed: Vec<Healed>,
}

/// Milliseconds of answers.
#[derive(Debug)]
struct Latency {
    mean: u64,
    p50: u64,
    p99: u64,
}

pub(crate) const HEAD: &str = "provider    fault  req/s  requests  answered %  calls/request  added ms: mean    p50    p99  opened after  healed after s";

impl Figures {
    pub(crate) fn of(
        measured: &[Request],
        watches: &[Rc<RefCell<Watch>>],
        from: u64,
        until: u64,
    ) -> Self {
        let during = || {
            measured
                .iter()
                .filter(|it| (from..until).contains(&it.began))
        };
        let before = measured.iter().filter(|it| it.began < from);
        let watches = || watches.iter().map(|watch| watch.borrow());
        let healed = watches().filter_map(|watch| {
            Some(Healed {
                calls: watch.calls_after,
                after: watch.healed_at? - until,
            })
        });
        Self {
            requests: during().count() as u64,
            answered: during().filter(|it| it.is_answered).count() as u64,
            calls: watches().map(|watch| watch.calls).sum(),
            before: Latency::of(before),
            during: Latency::of(during()),
            opened: watches().filter_map(|watch| watch.opened).collect(),
            healed: healed.collect(),
        }
    }

    pub(crate) const fn per_mille_answered(&self) -> u64 {
        self.answered * 1_000 / self.requests
    }

    pub(crate) const fn calls_per_cent(&self) -> u64 {
        (self.calls * 100).div_ceil(self.requests)
    }

    /// The line of the table.
    pub(crate) fn row(&self, outage: &Outage) -> String {
        let hundredths = |of: u64, whole: u64, unit: u64| {
            let value = of * unit * 100 / whole;
            format!("{}.{:02}", value / 100, value % 100)
        };
        let added = |of: fn(&Latency) -> u64| of(&self.during).saturating_sub(of(&self.before));
        let opened = self.opened.iter().max().copied().unwrap_or_default();
        let healed = self.healed.iter().map(|it| it.after).max();
        format!(
            "{:<11} {:<6} {:>5} {:>9} {:>11} {:>14} {:>15} {:>6} {:>6} {:>13} {:>15}",
            outage.provider.name,
            outage.trouble.as_str(),
            outage.rate,
            self.requests,
            hundredths(self.answered, self.requests, 100),
            hundredths(self.calls, self.requests, 1),
            added(|it| it.mean),
            added(|it| it.p50),
            added(|it| it.p99),
            opened,
            healed.unwrap_or_default().div_ceil(1_000),
        )
    }
}

impl Latency {
    fn of<'a>(requests: impl Iterator<Item = &'a Request>) -> Self {
        let answered = requests.filter(|it| it.is_answered);
        let mut took: Vec<u64> = answered.map(|it| it.took).collect();
        took.sort_unstable();
        let at = |per_cent: usize| took[(took.len() * per_cent / 100).min(took.len() - 1)];
        Self {
            mean: took.iter().sum::<u64>() / took.len() as u64,
            p50: at(50),
            p99: at(99),
        }
    }
}
