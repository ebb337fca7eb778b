//! Every path of the administration: who may, and what answers. One row for each path and method,
//! which the router, the check of roles and `docs/openapi.json` go by.

use futures::FutureExt;
use futures::future::{LocalBoxFuture, ready};

use super::access::Permission::{self, Audit, Configure, Manage, Members, Read, See};
use super::{
    Asked, alerts, audit, catalogue, config, credits, feedback, keys, limits, members, orgs,
};
use super::{routes, switches, transcripts, users, versions};
use crate::error::Error;
use crate::http::Method::{self, Delete, Get, Patch, Post, Put};
use crate::http::template::matched;
use crate::http::{Reply, not_allowed, nothing};
use crate::request::exchange::Exchange;

/// A path with a method.
pub struct Row {
    /// The method.
    pub method: Method,
    /// The path behind `/admin/v1/`. Besides `{org}` at its beginning it has one parameter at most.
    pub path: &'static str,
    /// What the role of whoever asks must have.
    pub needs: Permission,
    /// What it is about.
    pub reach: Reach,
    /// What answers.
    pub(super) handle: Handle,
}

/// What a path is about, so which members it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The org at the beginning of the path, believed to exist while the database is down.
    Believed,
    /// What is of no org, or of all: not for members of one.
    Deployment,
    /// For all members; what they are given is narrowed to their org.
    Narrowed,
    /// The org at the beginning of the path.
    Org,
}

impl Reach {
    /// Whether it is an org at the beginning of the path.
    #[must_use]
    pub const fn is_org(self) -> bool {
        matches!(self, Self::Believed | Self::Org)
    }
}

type Answer<'a> = LocalBoxFuture<'a, Result<Reply, Error>>;

/// What answers.
pub(super) enum Handle {
    /// Changes what has an audit trail, under this name.
    Change(
        &'static str,
        for<'a> fn(&'a mut Exchange, Asked<'a>) -> Answer<'a>,
    ),
    /// Changes nothing, or makes its records itself.
    Plain(for<'a> fn(Asked<'a>) -> Answer<'a>),
}

const ORG: &str = "orgs/{org}";

/// All paths with their methods.
pub const TABLE: &[Row] = &[
    plain(Get, "alerts", Read, |it| alerts::list(it).boxed_local()),
    plain(Get, "audit", Audit, |it| audit::query(it).boxed_local()).narrowed(),
    plain(Get, "audit/export", Audit, |it| {
        audit::export(it).boxed_local()
    })
    .narrowed(),
    plain(Get, "audit/verify", Audit, |it| {
        audit::verify(it).boxed_local()
    })
    .narrowed(),
    plain(Get, "config", Read, |it| config::get(it).boxed_local()),
    change(Put, "config", Configure, "config.save", |act, it| {
        config::put(act, it).boxed_local()
    }),
    change(Patch, "config", Configure, "config.save", |act, it| {
        config::patch(act, it).boxed_local()
    }),
    change(
        Post,
        "config/rollback",
        Configure,
        "config.rollback",
        |act, it| versions::rollback(act, it).boxed_local(),
    ),
    plain(Post, "config/validate", Configure, |it| {
        config::validate(it).boxed_local()
    }),
    plain(Get, "config/versions", Read, |it| {
        versions::list(it).boxed_local()
    }),
    plain(Get, "config/versions/{version}", Read, |it| {
        versions::get(it).boxed_local()
    }),
    plain(Get, "config/versions/{version}/diff", Read, |it| {
        versions::diff(it).boxed_local()
    }),
    plain(Get, "me", See, |it| {
        ready(Ok(members::me(it))).boxed_local()
    })
    .narrowed(),
    plain(Get, "members", Members, |it| {
        members::list(it).boxed_local()
    }),
    change(Post, "members", Members, "member.create", |act, it| {
        members::create(act, it).boxed_local()
    }),
    plain(Get, "members/{member}", Members, |it| {
        members::get(it).boxed_local()
    }),
    change(
        Patch,
        "members/{member}",
        Members,
        "member.change",
        |act, it| members::change_member(act, it).boxed_local(),
    ),
    change(
        Delete,
        "members/{member}",
        Members,
        "member.remove",
        |act, it| members::remove(act, it).boxed_local(),
    ),
    change(
        Post,
        "members/{member}/rotate",
        Members,
        "member.rotate",
        |act, it| members::rotate(act, it).boxed_local(),
    ),
    plain(Get, "models", Read, |it| {
        catalogue::models(it).boxed_local()
    })
    .narrowed(),
    plain(Get, "operations", Read, |it| {
        catalogue::operations(it).boxed_local()
    })
    .narrowed(),
    plain(Get, "orgs", See, |it| orgs::list(it).boxed_local()).narrowed(),
    change(Post, "orgs", Manage, "org.create", |act, it| {
        orgs::create(act, it).boxed_local()
    }),
    plain(Get, ORG, See, |it| orgs::get(it).boxed_local()),
    change(Patch, ORG, Manage, "org.rename", |act, it| {
        orgs::rename(act, it).boxed_local()
    }),
    plain(Get, "orgs/{org}/alerts", Read, |it| {
        alerts::list(it).boxed_local()
    }),
    plain(Get, "orgs/{org}/config", Read, |it| {
        config::get(it).boxed_local()
    }),
    change(
        Put,
        "orgs/{org}/config",
        Configure,
        "config.save",
        |act, it| config::put(act, it).boxed_local(),
    ),
    change(
        Patch,
        "orgs/{org}/config",
        Configure,
        "config.save",
        |act, it| config::patch(act, it).boxed_local(),
    ),
    change(
        Post,
        "orgs/{org}/config/rollback",
        Configure,
        "config.rollback",
        |act, it| versions::rollback(act, it).boxed_local(),
    ),
    plain(Post, "orgs/{org}/config/validate", Configure, |it| {
        config::validate(it).boxed_local()
    }),
    plain(Get, "orgs/{org}/config/versions", Read, |it| {
        versions::list(it).boxed_local()
    }),
    plain(Get, "orgs/{org}/config/versions/{version}", Read, |it| {
        versions::get(it).boxed_local()
    }),
    plain(
        Get,
        "orgs/{org}/config/versions/{version}/diff",
        Read,
        |it| versions::diff(it).boxed_local(),
    ),
    change(
        Post,
        "orgs/{org}/credits",
        Manage,
        "credits.pay",
        |act, it| credits::pay(act, it).boxed_local(),
    ),
    plain(Get, "orgs/{org}/feedback", Audit, |it| {
        feedback::list(it).boxed_local()
    }),
    plain(Get, "orgs/{org}/keys", Read, |it| {
        keys::list(it).boxed_local()
    }),
    change(Post, "orgs/{org}/keys", Manage, "key.create", |act, it| {
        keys::create(act, it).boxed_local()
    }),
    plain(Get, "orgs/{org}/keys/{key}", Read, |it| {
        keys::get(it).boxed_local()
    }),
    change(
        Patch,
        "orgs/{org}/keys/{key}",
        Manage,
        "key.change",
        |act, it| keys::change_key(act, it).boxed_local(),
    ),
    change(
        Delete,
        "orgs/{org}/keys/{key}",
        Manage,
        "key.revoke",
        |act, it| keys::revoke(act, it).boxed_local(),
    ),
    change(
        Post,
        "orgs/{org}/keys/{key}/rotate",
        Manage,
        "key.rotate",
        |act, it| keys::rotate(act, it).boxed_local(),
    ),
    plain(Get, "orgs/{org}/limits", Read, |it| {
        limits::get(it).boxed_local()
    }),
    plain(Post, "orgs/{org}/routes/{route}/explain", Read, |it| {
        routes::explain(it).boxed_local()
    }),
    plain(Get, "orgs/{org}/switches", Read, |it| {
        switches::list(it).boxed_local()
    })
    .believed(),
    change(
        Put,
        "orgs/{org}/switches/{switch...}",
        Manage,
        "switch.on",
        |act, it| switches::turn(act, it).boxed_local(),
    )
    .believed(),
    change(
        Delete,
        "orgs/{org}/switches/{switch...}",
        Manage,
        "switch.off",
        |act, it| switches::turn(act, it).boxed_local(),
    )
    .believed(),
    plain(Get, "orgs/{org}/transcripts/{request}", Audit, |it| {
        transcripts::get(it).boxed_local()
    }),
    change(
        Delete,
        "orgs/{org}/transcripts/{request}",
        Manage,
        "transcript.remove",
        |act, it| transcripts::remove(act, it).boxed_local(),
    ),
    plain(Get, "orgs/{org}/users", Audit, |it| {
        users::list(it).boxed_local()
    }),
    plain(Get, "orgs/{org}/users/{user}", Audit, |it| {
        users::get(it).boxed_local()
    }),
    change(
        Delete,
        "orgs/{org}/users/{user}/records",
        Manage,
        "user.erase",
        |act, it| users::erase(act, it).boxed_local(),
    ),
    plain(Post, "routes/{route}/explain", Read, |it| {
        routes::explain(it).boxed_local()
    })
    .narrowed(),
    plain(Get, "switches", Read, |it| switches::list(it).boxed_local()),
    change(
        Put,
        "switches/{switch...}",
        Manage,
        "switch.on",
        |act, it| switches::turn(act, it).boxed_local(),
    ),
    change(
        Delete,
        "switches/{switch...}",
        Manage,
        "switch.off",
        |act, it| switches::turn(act, it).boxed_local(),
    ),
];

const fn plain(
    method: Method,
    path: &'static str,
    needs: Permission,
    handle: for<'a> fn(Asked<'a>) -> Answer<'a>,
) -> Row {
    row(method, path, needs, Handle::Plain(handle))
}

const fn change(
    method: Method,
    path: &'static str,
    needs: Permission,
    action: &'static str,
    handle: for<'a> fn(&'a mut Exchange, Asked<'a>) -> Answer<'a>,
) -> Row {
    row(method, path, needs, Handle::Change(action, handle))
}

const fn row(method: Method, path: &'static str, needs: Permission, handle: Handle) -> Row {
    let of_org =
        path.len() >= ORG.len() && matches!(path.as_bytes().split_at(ORG.len()).0, b"orgs/{org}");
    Row {
        method,
        path,
        needs,
        reach: if of_org {
            Reach::Org
        } else {
            Reach::Deployment
        },
        handle,
    }
}

impl Row {
    const fn believed(self) -> Self {
        Self {
            reach: Reach::Believed,
            ..self
        }
    }

    const fn narrowed(self) -> Self {
        Self {
            reach: Reach::Narrowed,
            ..self
        }
    }
}

/// The row of a path behind `/admin/v1/`, with the org and the other parameter of the path; empty
/// where it has none.
///
/// # Errors
/// `NotFound`; `MethodNotAllowed` with the methods that the path takes.
pub(super) fn find(method: Method, path: &str) -> Result<(&'static Row, [&str; 2]), Error> {
    let rows = TABLE.iter();
    let of_path = rows.filter_map(|row| Some((row, matched::<2>(row.path, path)?)));
    let mut allow: Vec<&str> = Vec::new();
    for (row, parameters) in of_path {
        if row.method == method {
            let [first, _] = parameters;
            let is_of_org = row.reach.is_org();
            return Ok((row, if is_of_org { parameters } else { ["", first] }));
        }
        allow.push(row.method.as_str());
    }
    allow.sort_unstable();
    Err(if allow.is_empty() {
        nothing()
    } else {
        not_allowed(allow.join(", "))
    })
}

/// Whether a path behind `/admin/v1/` takes a method.
#[cfg(test)]
pub(crate) fn takes(method: Method, path: &str) -> bool {
    find(method, path).is_ok()
}
