//! What an isolate remembers between requests: keys and orgs, and where an org wants that, leases and
//! what is to be told of the requests that ended; and how deployments of models are.
//!
//! Everything here may be lost at any time and may be out of date: the governor names the versions
//! in force with every reply and refuses revoked keys itself, so that a stale memory costs a second
//! look, never a wrong admission.

pub(crate) mod configuration;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use futures::future::{Either, select};

use self::configuration::Unusable;
use crate::auth::{self, PresentedKey};
use crate::config::TenantConfig;
use crate::error::{Error, Kind};
use crate::governor::command::{Command, Reply, Versions};
use crate::governor::lease::holder::Holder;
use crate::governor::rules::Admission;
use crate::governor::switches::Notice;
use crate::ports::{ApiKey, Ports};
use crate::routing::health::SharedHealth;

/// Keys and orgs remembered at most; beyond that the memory starts anew.
const MOST_ENTRIES: usize = 1_000;
/// Milliseconds after which a key's row is read again, for changed scopes.
const KEY_MS: u64 = 60_000;
/// Milliseconds that the database has to read again what is remembered.
const KEY_AGAIN_MS: u64 = 1_000;
/// Milliseconds after which a configuration that could not be had is looked for again.
const AGAIN_MS: u64 = 5_000;

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
    deployment: configuration::Known,
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
    /// The versions in force.
    pub versions: Versions,
    /// The configuration of that version, or of an earlier one.
    pub config: TenantConfig,
    /// Which earlier one it is, where it is none in force.
    pub stale: Option<Stale>,
    /// Where requests are admitted from leases, what this isolate holds.
    pub holder: Option<SharedHolder>,
    /// What this isolate knows of deployments, whichever org has met them.
    pub health: SharedHealth,
    /// What this isolate knows to be switched off.
    pub switches: SharedNotice,
}

/// A configuration that serves in place of the one in force, which cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stale {
    /// Its version.
    pub version: u64,
    /// When the other was looked for, Unix milliseconds.
    pub tried_at: u64,
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
            Some((_, row)) => match self.read_key_soon(ports, presented).await {
                Some(Err(error)) if error.kind == Kind::Unauthenticated => return Err(error),
                Some(Ok(row)) => row,
                // As good as read now: nobody waits for the database once more so soon.
                _ => self.remember_key(presented, now, row),
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
        Ok(self.remember_key(presented, ports.clock.now(), row))
    }

    /// The same, where the database answers soon.
    async fn read_key_soon(
        &self,
        ports: &Ports,
        presented: &PresentedKey,
    ) -> Option<Result<Rc<ApiKey>, Error>> {
        let read = Box::pin(self.read_key(ports, presented));
        match select(read, ports.clock.sleep(KEY_AGAIN_MS)).await {
            Either::Left((read, _)) => Some(read),
            Either::Right(_) => None,
        }
    }

    fn remember_key(&self, presented: &PresentedKey, at: u64, row: Rc<ApiKey>) -> Rc<ApiKey> {
        let place = (presented.org.clone(), presented.id.clone());
        remember(&self.keys, place, (at, Rc::clone(&row)));
        row
    }

    /// The org as this isolate last saw it, or as the database has it; else as its governor and the copies
    /// say.
    ///
    /// # Errors
    /// `Unavailable` where neither is in reach, or there is no such org.
    pub async fn org(&self, ports: &Ports, org: &str) -> Result<Rc<OrgView>, Error> {
        match self.known(org) {
            Some(view) if view.is_due(ports) => self.refresh(ports, org, view.versions).await,
            Some(view) => Ok(view),
            None => match configuration::newest(ports, &self.deployment, org).await {
                Ok((versions, config)) => Ok(self.remember_org(org, versions, config, None)),
                Err(error) => self.current(ports, org).await.map_err(|_| error),
            },
        }
    }

    /// The org at exactly the versions that its governor says are in force; where that configuration
    /// cannot be had, with the last good one.
    ///
    /// # Errors
    /// `Unavailable` where there is none.
    pub async fn refresh(
        &self,
        ports: &Ports,
        org: &str,
        versions: Versions,
    ) -> Result<Rc<OrgView>, Error> {
        let known = self.known(org);
        if let Some(view) = &known
            && view.versions.config == versions.config
            && view.versions.deployment == versions.deployment
            && !view.is_due(ports)
        {
            let config = view.config.clone();
            return Ok(self.remember_org(org, versions, config, view.stale));
        }
        match configuration::of_versions(ports, &self.deployment, org, versions).await {
            Ok(config) => Ok(self.remember_org(org, versions, config, None)),
            Err(unusable) => {
                self.last_good(ports, org, (versions, known), unusable)
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

    /// The org under the configuration that this isolate knows, else the last that can be read.
    async fn last_good(
        &self,
        ports: &Ports,
        org: &str,
        (versions, known): (Versions, Option<Rc<OrgView>>),
        unusable: Unusable,
    ) -> Result<Rc<OrgView>, Error> {
        let (version, config) = match known {
            Some(view) => (view.version(), view.config.clone()),
            None if configuration::is_unreadable(&unusable.error) => {
                let found = configuration::before(ports, &self.deployment, org, versions).await;
                found.ok_or_else(|| unusable.error.clone())?
            }
            None => return Err(unusable.error),
        };
        configuration::warn(ports, &unusable);
        let tried_at = ports.clock.now();
        let stale = Some(Stale { version, tried_at });
        Ok(self.remember_org(org, versions, config, stale))
    }

    fn known(&self, org: &str) -> Option<Rc<OrgView>> {
        self.orgs.borrow().get(org).map(Rc::clone)
    }

    fn remember_org(
        &self,
        org: &str,
        versions: Versions,
        config: TenantConfig,
        stale: Option<Stale>,
    ) -> Rc<OrgView> {
        let is_leased = config.rules().admission == Admission::Leased;
        let view = Rc::new(OrgView {
            versions,
            config,
            stale,
            health: Rc::clone(&self.health),
            holder: is_leased.then(|| shared(&self.holders, org)),
            switches: shared(&self.switches, org),
        });
        remember(&self.orgs, org.to_owned(), Rc::clone(&view));
        view
    }
}

impl OrgView {
    /// The version of its configuration.
    const fn version(&self) -> u64 {
        match self.stale {
            Some(Stale { version, .. }) => version,
            None => self.versions.config,
        }
    }

    /// Whether another look may give the configuration that is in force.
    fn is_due(&self, ports: &Ports) -> bool {
        self.stale
            .is_some_and(|stale| ports.clock.now().saturating_sub(stale.tried_at) >= AGAIN_MS)
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

fn remember<K: Ord, V>(memory: &RefCell<BTreeMap<K, V>>, key: K, value: V) {
    let mut memory = memory.borrow_mut();
    if memory.len() >= MOST_ENTRIES {
        memory.clear();
    }
    memory.insert(key, value);
}
