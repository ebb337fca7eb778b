//! Who administers, and what each role may. The holder of the secret `ESCLUSA_ADMIN_KEY` is an owner
//! whom nothing here can lock out; members have keys and roles of their own.

use serde::{Deserialize, Serialize};

use crate::audit::ADMIN;
use crate::auth::{PresentedMember, same_secret};
use crate::error::{Error, Kind};
use crate::http::Incoming;
use crate::ports::Ports;

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything but the members.
    Admin,
    /// Reads the audit trail and transcripts.
    Auditor,
    /// Changes configuration.
    Editor,
    /// Everything.
    Owner,
    /// Reads.
    Viewer,
}

/// What a path takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Reading records and transcripts.
    Audit,
    /// Changing an org's configuration.
    Configure,
    /// Changing orgs, keys, balances and switches, and erasing users.
    Manage,
    /// Changing members.
    Members,
    /// Reading what is configured and what is used.
    Read,
    /// Knowing which orgs there are.
    See,
}

impl Permission {
    /// All permissions.
    pub const ALL: [Self; 6] = [
        Self::Audit,
        Self::Configure,
        Self::Manage,
        Self::Members,
        Self::Read,
        Self::See,
    ];

    /// The name in messages and in `openapi.json`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Configure => "configure",
            Self::Manage => "manage",
            Self::Members => "members",
            Self::Read => "read",
            Self::See => "see",
        }
    }
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 5] = [
        Self::Admin,
        Self::Auditor,
        Self::Editor,
        Self::Owner,
        Self::Viewer,
    ];

    /// The name in requests and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Auditor => "auditor",
            Self::Editor => "editor",
            Self::Owner => "owner",
            Self::Viewer => "viewer",
        }
    }

    /// Whether the role may do something.
    #[must_use]
    pub const fn may(self, needed: Permission) -> bool {
        use Permission::{Audit, Configure, Members, Read, See};
        match self {
            Self::Owner => true,
            Self::Admin => !matches!(needed, Members),
            Self::Editor => matches!(needed, See | Read | Configure),
            Self::Viewer => matches!(needed, See | Read),
            Self::Auditor => matches!(needed, See | Audit),
        }
    }
}

/// Who administers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Actor {
    /// As records name it: `admin` or `member/{id}`.
    pub(super) name: String,
    role: Role,
    /// The only org.
    org: Option<String>,
}

impl Actor {
    /// Who sends a request.
    ///
    /// # Errors
    /// `Unauthenticated`; `Unavailable` where a member's row is out of reach.
    pub(super) async fn of(ports: &Ports, incoming: &dyn Incoming) -> Result<Self, Error> {
        let header = incoming.header("authorization").unwrap_or_default();
        let presented = header
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, key)| key.trim());
        if let Some(member) = presented.and_then(PresentedMember::parse) {
            return Self::member(ports, &member).await;
        }
        let Some(secret) = ports.secrets.admin_key().filter(|it| !it.is_empty()) else {
            let message = "Administration is closed: the secret ESCLUSA_ADMIN_KEY is not set. `npm run deploy` sets it.";
            return Err(Error::new(Kind::Unauthenticated, message));
        };
        if presented.is_some_and(|key| same_secret(key, &secret)) {
            return Ok(Self {
                name: ADMIN.to_owned(),
                role: Role::Owner,
                org: None,
            });
        }
        let message = "Send the admin key, or a member's, as `Authorization: Bearer …`.";
        Err(Error::new(Kind::Unauthenticated, message))
    }

    async fn member(ports: &Ports, presented: &PresentedMember) -> Result<Self, Error> {
        let row = ports.administration.member(&presented.id).await?;
        let known = row.filter(|row| row.digest == presented.digest && row.removed_at.is_none());
        let Some(row) = known else {
            let message = "This key is not a member's (any more). Ask an owner for a new one.";
            return Err(Error::new(Kind::Unauthenticated, message));
        };
        Ok(Self {
            name: format!("member/{}", row.id),
            role: row.role,
            org: row.org,
        })
    }

    /// Whether it may do something.
    ///
    /// # Errors
    /// `Forbidden`.
    pub(super) fn permit(&self, needed: Permission) -> Result<(), Error> {
        if self.role.may(needed) {
            return Ok(());
        }
        let able = Role::ALL.into_iter().filter(|role| role.may(needed));
        let able: Vec<&str> = able.map(Role::as_str).collect();
        let message = format!(
            "The role `{}` lacks the permission `{}`, which these have: {}.",
            self.role.as_str(),
            needed.as_str(),
            able.join(", ")
        );
        Err(Error::new(Kind::Forbidden, message))
    }

    /// What it is.
    pub(super) const fn role(&self) -> Role {
        self.role
    }

    /// The only org it sees.
    pub(super) fn only(&self) -> Option<&str> {
        self.org.as_deref()
    }

    /// Whether an org is there as far as it may know.
    pub(super) fn sees(&self, org: &str) -> bool {
        self.only().is_none_or(|only| only == org)
    }

    /// Whether it may touch what is of no org, or of all.
    ///
    /// # Errors
    /// `Forbidden`.
    pub(super) fn permit_deployment(&self) -> Result<(), Error> {
        match self.only() {
            None => Ok(()),
            Some(org) => {
                let message = format!(
                    "This takes a member of the whole deployment; yours is the org `{org}` only."
                );
                Err(Error::new(Kind::Forbidden, message))
            }
        }
    }

    /// Whether a member is this one.
    pub(super) fn is_member(&self, id: &str) -> bool {
        self.name.strip_prefix("member/") == Some(id)
    }
}
