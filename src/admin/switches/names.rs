//! What the name of a switch means. One that nobody knows would turn off nothing, and whoever turned it
//! would believe otherwise.

use std::sync::Arc;

use crate::admin::Asked;
use crate::auth::is_id;
use crate::config::{Catalogue, ModelKind};
use crate::error::{Error, Kind};
use crate::governor::root::ROOT;
use crate::governor::switches::Subject;
use crate::isolate::configuration::newest_deployment;
use crate::request::works;

/// What a name means.
pub(super) struct Meant {
    pub(super) subject: Subject,
    /// Whether the configuration knows it, where that says.
    pub(super) known: Option<bool>,
}

/// What a name means for an org, or for [`ROOT`]. Models and providers may be named as requests name them.
///
/// # Errors
/// `NotFound` for a key that does not exist.
pub(super) async fn meant(asked: Asked<'_>, org: &str, written: Subject) -> Result<Meant, Error> {
    match written {
        Subject::Everything | Subject::Org => Ok(Meant {
            subject: written,
            known: None,
        }),
        Subject::Key(id) => key(asked, org, id).await,
        Subject::Model(_) | Subject::Operation(_) | Subject::Provider(_) => {
            // Without it a name is believed.
            let catalogue = asked.soon(in_force(asked, org)).await.flatten();
            Ok(match catalogue.map(|it| listed(&it, &written)) {
                None => Meant {
                    subject: written,
                    known: None,
                },
                Some(None) => Meant {
                    subject: written,
                    known: Some(false),
                },
                Some(Some(subject)) => Meant {
                    subject,
                    known: Some(true),
                },
            })
        }
    }
}

/// A key must exist; while the database is down or silent it is believed.
async fn key(asked: Asked<'_>, org: &str, id: String) -> Result<Meant, Error> {
    let missing = || Error::new(Kind::NotFound, "There is no key of this id.");
    if !is_id(&id) {
        return Err(missing());
    }
    let known = match asked.soon(asked.ports.tenants.key(org, &id)).await {
        Some(Ok(None)) => return Err(missing()),
        Some(Ok(Some(_))) => Some(true),
        Some(Err(_)) | None => None,
    };
    Ok(Meant {
        subject: Subject::Key(id),
        known,
    })
}

/// The catalogue in force, where it is in reach.
async fn in_force(asked: Asked<'_>, org: &str) -> Option<Arc<Catalogue>> {
    if org == ROOT {
        let (_, deployment) = newest_deployment(asked.ports).await.ok()?;
        return Some(Arc::clone(deployment.catalogue()));
    }
    let view = asked.isolate.current(asked.ports, org).await.ok()?;
    view.stale
        .is_none()
        .then(|| Arc::clone(view.config.catalogue()))
}

/// What the catalogue has of this name, or what work is called that names no operation of it.
fn listed(catalogue: &Catalogue, written: &Subject) -> Option<Subject> {
    match written {
        Subject::Model(name) => {
            // Of a free provider all names are known, whatever their models do.
            let named = catalogue.named(name, ModelKind::Chat).ok()?;
            Some(Subject::Model(named.id.into_owned()))
        }
        Subject::Operation(name) => {
            let operation = catalogue.operation(name).map(|it| it.name.as_str());
            let work = || works::ALL.into_iter().find(|work| work == name);
            Some(Subject::Operation(operation.or_else(work)?.to_owned()))
        }
        Subject::Provider(name) => {
            let provider = catalogue.resolve_provider(name)?;
            Some(Subject::Provider(provider.slug.as_str().to_owned()))
        }
        Subject::Everything | Subject::Org | Subject::Key(_) => None,
    }
}

/// The refusal of a name that nobody knows.
pub(super) fn unknown(org: &str, subject: &Subject) -> Error {
    let whose = if org == ROOT {
        "the deployment's configuration, and what an org has of its own is switched there"
    } else {
        "the org's configuration"
    };
    let message = format!(
        "`{subject}` is not in {whose}: the switch would turn off nothing. Add `?unlisted=true` to turn it on all the same."
    );
    Error::new(Kind::NotFound, message)
}
