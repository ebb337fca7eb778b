//! The copy of the root's switches that an org's object admits with.

use std::cell::RefCell;
use std::rc::Rc;

use futures::FutureExt;
use futures::future::{LocalBoxFuture, Shared};
use wasm_bindgen_futures::spawn_local;
use worker::console_error;

use super::Office;
use crate::edge::clock::{now, within};
use crate::edge::governors::GovernorObjects;
use crate::error::Error;
use crate::governor::command::{Command, Reply};
use crate::governor::root::{Freshness, ROOT};
use crate::governor::switches::Edition;
use crate::ports::Governors;

/// Milliseconds in which the root answers: less than whoever asks this object waits.
const COPY_MS: u64 = 1_000;

/// A call of the root that many wait for.
type Refresh = Shared<LocalBoxFuture<'static, ()>>;

/// The call that is under way, if any.
#[derive(Default)]
pub(super) struct Refreshing(RefCell<Option<Refresh>>);

impl Office {
    /// Sees to the copy, for a command that is answered by it too: waits for one where there is none
    /// that is good.
    pub(super) async fn attend(self: &Rc<Self>, org: &str) -> Result<(), Error> {
        match self.with(org, |live, _| Ok(live.freshness(now())))? {
            Freshness::Fresh => {}
            Freshness::Due => {
                if self.running().is_none() {
                    spawn_local(self.refresh(org));
                }
            }
            Freshness::Gone => self.running().unwrap_or_else(|| self.refresh(org)).await,
        }
        Ok(())
    }

    fn running(&self) -> Option<Refresh> {
        let running = self.refreshing.0.borrow().clone();
        running.filter(|call| call.peek().is_none())
    }

    fn refresh(self: &Rc<Self>, org: &str) -> Refresh {
        let (office, org) = (Rc::clone(self), org.to_owned());
        let call = async move {
            if let Err(error) = office.copy(&org).await {
                console_error!("the root's switches were not copied: {error}");
            }
        };
        let call = call.boxed_local().shared();
        self.refreshing.0.replace(Some(call.clone()));
        call
    }

    async fn copy(&self, org: &str) -> Result<(), Error> {
        let asked_at = now();
        let edition = within(COPY_MS, self.ask_root(org)).await;
        let edition =
            edition.unwrap_or_else(|| Err(Error::internal("the root did not answer in time")))?;
        self.with(org, |live, journal| {
            live.take_copy(edition, (asked_at, now()), journal)
        })
    }

    async fn ask_root(&self, org: &str) -> Result<Edition, Error> {
        let copy = Command::Copy {
            org: org.to_owned(),
        };
        let root = GovernorObjects::new(Rc::clone(&self.env));
        match root.execute(ROOT, copy).await? {
            Reply::Switches(edition) => Ok(edition),
            reply => Err(Error::internal(format!("the root answered {reply:?}"))),
        }
    }
}
