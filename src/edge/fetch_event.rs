//! A request comes in, a response goes out.

use std::rc::Rc;

use web_sys::{Request, Response};
use worker::{Context, Env, console_error, event};

use super::background::WaitUntil;
use super::incoming::FetchRequest;
use super::ports;
use super::reply::respond;
use crate::http::Reply;
use crate::isolate::Isolate;
use crate::serve::serve;

thread_local! {
    /// What this isolate keeps between requests; lost with it.
    static ISOLATE: Rc<Isolate> = Rc::default();
}

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    let ports = ports(&Rc::new(env), Rc::new(WaitUntil::new(context)));
    let isolate = ISOLATE.with(Rc::clone);
    let incoming = FetchRequest::new(request);
    let reply = Box::pin(serve(&ports, &isolate, &incoming)).await;
    respond(reply).or_else(|thrown| {
        console_error!("the reply could not be built: {thrown}");
        respond(Reply::empty(500)).map_err(|thrown| worker::Error::RustError(thrown.to_string()))
    })
}
