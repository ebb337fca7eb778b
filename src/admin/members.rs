//! Members: people who administer, each with a key and a role. Their changes are in the deployment's
//! own audit trail.

use serde::{Deserialize, Serialize};

use super::Asked;
use super::access::{Permission, Role};
use super::orgs::checked_name;
use super::page::{page, paged};
use crate::audit::{ADMIN, Change};
use crate::auth::{is_id, mint_member};
use crate::error::{Error, Kind};
use crate::http::Reply;
use crate::ports::{Member, MemberChange};
use crate::request::act::{administer, note_change};
use crate::request::exchange::Exchange;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewMember {
    id: String,
    name: String,
    role: Role,
    #[serde(default)]
    org: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changed {
    name: Option<String>,
    role: Option<Role>,
}

#[derive(Serialize)]
struct Minted<'a> {
    /// Shown this once.
    key: &'a str,
    #[serde(flatten)]
    member: &'a Member,
}

#[derive(Serialize)]
struct Me<'a> {
    name: &'a str,
    role: Role,
    org: Option<&'a str>,
    permissions: Vec<&'static str>,
}

/// Who asks, and what he may.
pub(super) fn me(asked: Asked<'_>) -> Reply {
    let role = asked.actor.role();
    let permissions = Permission::ALL.into_iter().filter(|it| role.may(*it));
    let me = Me {
        name: &asked.actor.name,
        role,
        org: asked.actor.only(),
        permissions: permissions.map(Permission::as_str).collect(),
    };
    Reply::json(200, &me)
}

pub(super) async fn list(asked: Asked<'_>) -> Result<Reply, Error> {
    let (page, []) = page(asked.incoming.query(), [])?;
    let members = asked.ports.administration.members(&page).await?;
    Ok(paged(members, &page, |member| member.id.clone()))
}

pub(super) async fn get(asked: Asked<'_>) -> Result<Reply, Error> {
    Ok(Reply::json(200, &known(asked).await?))
}

/// Makes a member. An id is never used again, so that records go on meaning the same person.
pub(super) async fn create(act: &mut Exchange, asked: Asked<'_>) -> Result<Reply, Error> {
    let new: NewMember = asked.read().await?;
    if !is_id(&new.id) || new.id == ADMIN {
        let message =
            "An id has 1 to 40 lower-case letters, digits and hyphens, and is not `admin`.";
        return Err(Error::invalid("id", message));
    }
    note_change(act, change(&new.id));
    check_org(asked, new.role, new.org.as_deref()).await?;
    let (key, digest) = mint_member(&new.id, asked.ports.entropy.bytes()?);
    let member = Member {
        name: checked_name(new.name)?,
        id: new.id,
        role: new.role,
        org: new.org,
        digest,
        created_at: asked.ports.clock.now(),
        removed_at: None,
    };
    let taken = || Error::new(Kind::Conflict, "There is or was a member of this id.");
    let administration = &asked.ports.administration;
    if administration.member(&member.id).await?.is_some() {
        return Err(taken());
    }
    administer(act, 201, None).await?;
    if !administration.create_member(&member).await? {
        return Err(taken());
    }
    Ok(shown(&key, &member))
}

/// Gives a member another name or role; from the answer on.
pub(super) async fn change_member(act: &mut Exchange, asked: Asked<'_>) -> Result<Reply, Error> {
    let member = others(act, asked).await?;
    let new: Changed = asked.read().await?;
    let role = new.role.unwrap_or(member.role);
    check_org(asked, role, member.org.as_deref()).await?;
    let change = MemberChange {
        name: new.name.map(checked_name).transpose()?,
        role: new.role,
        ..MemberChange::default()
    };
    make(act, asked, 200, &change).await?;
    get(asked).await
}

/// Removes a member; the key is refused from the answer on.
pub(super) async fn remove(act: &mut Exchange, asked: Asked<'_>) -> Result<Reply, Error> {
    others(act, asked).await?;
    let change = MemberChange {
        removed_at: Some(asked.ports.clock.now()),
        ..MemberChange::default()
    };
    make(act, asked, 204, &change).await?;
    Ok(Reply::empty(204))
}

/// Gives a member another key; the one of before is refused from the answer on.
pub(super) async fn rotate(act: &mut Exchange, asked: Asked<'_>) -> Result<Reply, Error> {
    let member = current(act, asked).await?;
    let (key, digest) = mint_member(&member.id, asked.ports.entropy.bytes()?);
    let change = MemberChange {
        digest: Some(digest),
        ..MemberChange::default()
    };
    make(act, asked, 201, &change).await?;
    Ok(shown(&key, &member))
}

/// Records a change, then makes it.
async fn make(
    act: &mut Exchange,
    asked: Asked<'_>,
    status: u16,
    change: &MemberChange,
) -> Result<(), Error> {
    administer(act, status, None).await?;
    let administration = &asked.ports.administration;
    administration.change_member(asked.name, change).await
}

fn shown(key: &str, member: &Member) -> Reply {
    Reply::json(201, &Minted { key, member })
}

/// The member of a path, who is not the one that asks: nobody takes his own rights away.
async fn others(act: &mut Exchange, asked: Asked<'_>) -> Result<Member, Error> {
    let member = current(act, asked).await?;
    if asked.actor.is_member(&member.id) {
        let message = "This would lock you out. Ask another owner, or use the admin key.";
        return Err(Error::new(Kind::Conflict, message));
    }
    Ok(member)
}

/// The member of a path, who still is one.
async fn current(act: &mut Exchange, asked: Asked<'_>) -> Result<Member, Error> {
    if is_id(asked.name) {
        note_change(act, change(asked.name));
    }
    let member = known(asked).await?;
    if member.removed_at.is_some() {
        return Err(Error::new(Kind::NotFound, "This member was removed."));
    }
    Ok(member)
}

async fn known(asked: Asked<'_>) -> Result<Member, Error> {
    let found = asked.ports.administration.member(asked.name).await?;
    found.ok_or_else(|| Error::new(Kind::NotFound, "There is no member of this id."))
}

async fn check_org(asked: Asked<'_>, role: Role, org: Option<&str>) -> Result<(), Error> {
    let Some(org) = org else { return Ok(()) };
    if role == Role::Owner {
        let message = "An owner is one of the whole deployment: leave out `org`.";
        return Err(Error::invalid("org", message));
    }
    match asked.known(org).await {
        Err(error) if error.kind == Kind::NotFound => Err(Error::invalid("org", error.message)),
        known => known.map(drop),
    }
}

fn change(member: &str) -> Change {
    Change {
        object: format!("member/{member}"),
        ..Change::default()
    }
}
