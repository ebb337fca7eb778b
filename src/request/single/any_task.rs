//! A [`Task`] whatever it asks and gives. What carries tasks out is generic over nothing, so that it
//! is compiled once and not once for each kind of work: that would be a twentieth of the Wasm.

use futures::FutureExt;
use futures::future::LocalBoxFuture;

use super::{Given, Task, Told};
use crate::config::{Model, ModelKind};
use crate::error::Error;
use crate::http::Incoming;
use crate::ports::Ports;
use crate::protocol::Warning;
use crate::providers::Failure;
use crate::routing::plan::Candidate;
use crate::usage::Usage;

/// Makes an answer what the caller reads.
pub(super) type Rendering<'a> = Box<dyn FnOnce(&Told<'_>) -> Given + 'a>;

/// Reads a task from a request.
pub(super) type Read<'a> = &'a dyn for<'r> Fn(&'r dyn Incoming) -> Reading<'r>;

type Reading<'a> = LocalBoxFuture<'a, Result<Box<dyn AnyTask>, Error>>;

/// The constants of a [`Task`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Work {
    pub(super) kind: ModelKind,
    pub(super) name: &'static str,
    pub(super) subject: &'static str,
    pub(super) milliseconds: u64,
}

/// The methods of a [`Task`].
pub(super) trait AnyTask {
    fn work(&self) -> Work;

    fn model(&self) -> &str;

    fn warnings(&self, model: &Model) -> Vec<Warning>;

    fn unfit(&self, model: &Model) -> Option<Error>;

    fn is_second_choice(&self, model: &Model) -> bool;

    fn most(&self, model: &Model) -> Usage;

    fn call<'task: 'call, 'call>(
        &'task self,
        ports: &'call Ports,
        candidate: &'call Candidate,
        milliseconds: u64,
        used: &'call mut Usage,
    ) -> LocalBoxFuture<'call, Result<Rendering<'task>, Failure>>;
}

impl<T: Task> AnyTask for T {
    fn work(&self) -> Work {
        Work {
            kind: T::KIND,
            name: T::WORK,
            subject: T::SUBJECT,
            milliseconds: T::MILLISECONDS,
        }
    }

    fn model(&self) -> &str {
        Task::model(self)
    }

    fn warnings(&self, model: &Model) -> Vec<Warning> {
        Task::warnings(self, model)
    }

    fn unfit(&self, model: &Model) -> Option<Error> {
        Task::unfit(self, model)
    }

    fn is_second_choice(&self, model: &Model) -> bool {
        Task::is_second_choice(self, model)
    }

    fn most(&self, model: &Model) -> Usage {
        Task::most(self, model)
    }

    fn call<'task: 'call, 'call>(
        &'task self,
        ports: &'call Ports,
        candidate: &'call Candidate,
        milliseconds: u64,
        used: &'call mut Usage,
    ) -> LocalBoxFuture<'call, Result<Rendering<'task>, Failure>> {
        async move {
            let answer = Task::call(self, ports, candidate, milliseconds, used).await?;
            let render = move |told: &Told<'_>| self.render(answer, told);
            Ok(Box::new(render) as Rendering<'task>)
        }
        .boxed_local()
    }
}

/// A task as it comes of the future of a specific one.
pub(super) fn reading<'a, T: Task + 'static>(
    task: impl Future<Output = Result<T, Error>> + 'a,
) -> Reading<'a> {
    task.map(|task| task.map(|task| Box::new(task) as Box<dyn AnyTask>))
        .boxed_local()
}
