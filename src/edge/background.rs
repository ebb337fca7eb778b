//! Work that outlives the answer: `waitUntil`, up to 30 seconds.

use futures::future::LocalBoxFuture;
use worker::{Context, ScheduleContext};

use crate::ports::Background;

/// The request's context.
pub(super) struct WaitUntil {
    context: Context,
}

impl WaitUntil {
    pub(super) const fn new(context: Context) -> Self {
        Self { context }
    }
}

/// The context of a run that the clock has started.
pub(super) struct Scheduled {
    context: ScheduleContext,
}

impl Scheduled {
    pub(super) const fn new(context: ScheduleContext) -> Self {
        Self { context }
    }
}

impl Background for Scheduled {
    fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
        self.context.wait_until(task);
    }
}

impl Background for WaitUntil {
    fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
        self.context.wait_until(task);
    }
}
