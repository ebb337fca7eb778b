//! What the clock starts: see `[triggers]` in wrangler.toml.

use std::rc::Rc;

use worker::{Env, ScheduleContext, ScheduledEvent, event};

use super::background::Scheduled;
use super::ports;
use crate::upkeep::hourly;

#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, context: ScheduleContext) {
    let ports = ports(&Rc::new(env), Rc::new(Scheduled::new(context)));
    Box::pin(hourly(&ports)).await;
}
