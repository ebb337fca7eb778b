//! What an isolate remembers between requests: keys and orgs, and where an org wants that, leases and
//! what is to be told of the requests that ended; and how deployments of models are.
//!
//! Everything here may be lost at any time and may be out of date: the governor names the versions
//! in force with every reply and refuses revoked keys itself, so that a stale memory costs a second
//! look, never a wrong admission.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::auth::{self, PresentedKey};
use crate::config::{self, TenantConfig, tenant};
use crate::error::{Error, Kind};
use crate::governor::command::{Command, Reply, Versions};
use crate::governor::lease::holder::Holder;
use crate::governor::rules::Admission;
use crate::governor::switches::Notice;
use crate::ports::{ApiKey, ConfigRow, Ports};
use crate::routing::health::SharedHealth;

/// Keys and orgs remembered at most; beyond that the memory starts anew.
const MOST_ENTRIES: usize = 1_000;
/// Milliseconds after which a key's row is read again, for changed scopes.
const KEY_MS: u64 = 60_000;

/// Org and id of a key.
type KeyPlace = (String, String);
/// A key's row, and when it was read.
type ReadKey = (u64, Rc<ApiKey>);

/// What an isolate holds of an org, shared by its requests. No borrow of it lives across an await.
pub type SharedHolder = Rc<RefCell<Holder>>;

/// What an isolate knows to be switched off for an org, shared by its requests.
pub type SharedNotice = Rc<RefCell<Notice>>;

/// An isolate's memory.
#[derive(Default)]
pub struct Isolate {
    keys: RefCell<BTreeMap<KeyPlace, ReadKey>>,
    orgs: RefCell<BTreeMap<String, Rc<OrgView>>>,
    /// By org. Whoever has something to tell keeps his own alive.
    holders: RefCell<BTreeMap<String, SharedHolder>>,
    /// What this isolate knows of deployments.
    pub health: SharedHealth,
    /// By org. Streams that run keep theirs alive.
    switches: RefCell<BTreeMap<String, SharedNotice>>,
}

/// An org as a plan sees it.
#[derive(Debug)]
pub struct OrgView {
    /// The versions this view is of.
    pub versions: Versions,
    /// The configuration of that version.
    pub config: TenantConfig,
    /// Where requests are admitted from leases, what this isolate holds.
    pub holder: Option<SharedHolder>,
    /// What this isolate knows of deployments, whichever org has met them.
    pub health: SharedHealth,
    /// What this isolate knows to be switched off.
    pub switches: SharedNotice,
}

impl Isolate {
    /// The row of a presented key, for work that its org's governor admits: the governor refuses a
    /// revoked key, so that a remembered row does, also past its time while the database is down.
    ///
    /// # Errors
    /// `Unauthenticated` where there is none, where the secret differs, or where it was revoked;
    /// `Unavailable` where the row is not remembered and the database is out of reach.
    pub async fn key(&self, ports: &Ports, presented: &PresentedKey) -> Result<Rc<ApiKey>, Error> {
        let remembered = self.remembered_key(presented);
        let now = ports.clock.now();
        let row = match remembered {
            Some((read_at, row)) if now.saturating_sub(read_at) < KEY_MS => row,
            Some((_, row)) => match self.read_key(ports, presented).await {
                Err(error) if error.kind != Kind::Unauthenticated => row,
                read => read?,
            },
            None => self.read_key(ports, presented).await?,
        };
        valid(row, presented, now)
    }

    /// The row of a presented key as the database has it now, for work that no governor admits.
    ///
    /// # Errors
    /// As [`Self::key`].
    pub async fn current_key(
        &self,
        ports: &Ports,
        presented: &PresentedKey,
    ) -> Result<Rc<ApiKey>, Error> {
        let row = self.read_key(ports, presented).await?;
        valid(row, presented, ports.clock.now())
    }

    fn remembered_key(&self, presented: &PresentedKey) -> Option<ReadKey> {
        let place = (presented.org.clone(), presented.id.clone());
        self.keys.borrow().get(&place).cloned()
    }

    async fn read_key(&self, ports: &Ports, presented: &PresentedKey) -> Result<Rc<ApiKey>, Error> {
        let row = ports.tenants.key(&presented.org, &presented.id).await?;
        let row = Rc::new(row.ok_or_else(auth::unknown_key)?);
        let place = (presented.org.clone(), presented.id.clone());
        remember(&self.keys, place, (ports.clock.now(), Rc::clone(&row)));
        Ok(row)
    }

    /// The org as this isolate last saw it, or as the database has it.
    ///
    /// # Errors
    /// `Unavailable` where the database is out of reach or has no such org.
    pub async fn org(&self, ports: &Ports, org: &str) -> Result<Rc<OrgView>, Error> {
        let known = self.orgs.borrow().get(org).map(Rc::clone);
        match known {
            Some(view) => Ok(view),
            None => self.read_org(ports, org, None, 0).await,
        }
    }

    /// The org at exactly the versions that its governor says are in force.
    ///
    /// # Errors
    /// `Unavailable` where that configuration cannot be read.
    pub async fn refresh(
        &self,
        ports: &Ports,
        org: &str,
        versions: Versions,
    ) -> Result<Rc<OrgView>, Error> {
        let known = self.orgs.borrow().get(org).map(Rc::clone);
        match known.filter(|view| view.versions.config == versions.config) {
            Some(view) => {
                let config = view.config.clone();
                Ok(self.remember_org(org, versions, config))
            }
            None => {
                self.read_org(ports, org, Some(versions.config), versions.corpus)
                    .await
            }
        }
    }

    /// The org as it is in force now: for whoever does not find something in it, which may be new.
    ///
    /// # Errors
    /// `Unavailable` where the governor or that configuration is out of reach.
    pub async fn current(&self, ports: &Ports, org: &str) -> Result<Rc<OrgView>, Error> {
        let inspect = Command::Inspect { most: 0 };
        match ports.governors.execute(org, inspect).await? {
            Reply::State { state } => self.refresh(ports, org, state.versions).await,
            reply => Err(Error::internal(format!("inspect was answered {reply:?}"))),
        }
    }

    async fn read_org(
        &self,
        ports: &Ports,
        org: &str,
        version: Option<u64>,
        corpus: u64,
    ) -> Result<Rc<OrgView>, Error> {
        let row = ports.tenants.config(org, version).await?.ok_or_else(|| {
            let message = "This org is not set up yet. The administrator creates it with POST /admin/v1/orgs.";
            Error::unavailable(message, format!("org {org} has no configuration {version:?}"))
        })?;
        let config = restore(ports, org, &row)?;
        let versions = Versions {
            config: row.version,
            corpus,
        };
        Ok(self.remember_org(org, versions, config))
    }

    fn remember_org(&self, org: &str, versions: Versions, config: TenantConfig) -> Rc<OrgView> {
        let is_leased = config.rules().admission == Admission::Leased;
        let view = Rc::new(OrgView {
            versions,
            config,
            health: Rc::clone(&self.health),
            holder: is_leased.then(|| shared(&self.holders, org)),
            switches: shared(&self.switches, org),
        });
        remember(&self.orgs, org.to_owned(), Rc::clone(&view));
        view
    }
}

/// What all requests of an org share.
fn shared<T: Default>(memory: &RefCell<BTreeMap<String, Rc<T>>>, org: &str) -> Rc<T> {
    let known = memory.borrow().get(org).map(Rc::clone);
    known.unwrap_or_else(|| {
        let fresh = Rc::<T>::default();
        remember(memory, org.to_owned(), Rc::clone(&fresh));
        fresh
    })
}

/// Both digests are SHA-256: comparing them tells nothing of the secret.
fn valid(row: Rc<ApiKey>, presented: &PresentedKey, now: u64) -> Result<Rc<ApiKey>, Error> {
    if row.digest == presented.digest && row.is_good(now) {
        Ok(row)
    } else {
        Err(auth::unknown_key())
    }
}

fn restore(ports: &Ports, org: &str, row: &ConfigRow) -> Result<TenantConfig, Error> {
    let restored = tenant::restore(&row.document, config::catalogue()?);
    let Some((config, problems)) = restored else {
        let detail = format!("configuration {} of org {org} cannot be read", row.version);
        return Err(Error::internal(detail));
    };
    for problem in problems {
        ports.log.error(&format!(
            "configuration {} of org {org}: {problem}",
            row.version
        ));
    }
    Ok(config)
}

fn remember<K: Ord, V>(memory: &RefCell<BTreeMap<K, V>>, key: K, value: V) {
    let mut memory = memory.borrow_mut();
    if memory.len() >= MOST_ENTRIES {
        memory.clear();
    }
    memory.insert(key, value);
}
