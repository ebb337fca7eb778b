//! The only place that names the platform.

use worker::{Context, Env, Request, Response, Result, event};

#[event(fetch)]
async fn fetch(_request: Request, _env: Env, _context: Context) -> Result<Response> {
    Response::ok("{\"status\":\"ok\"}")
}

#[worker::durable_object(alarm)]
struct GovernorObject;

impl worker::DurableObject for GovernorObject {
    fn new(_state: worker::State, _env: Env) -> Self {
        Self
    }
    async fn fetch(&self, _request: Request) -> Result<Response> {
        Response::ok("{}")
    }
    async fn alarm(&self) -> Result<Response> {
        Response::ok("")
    }
}
