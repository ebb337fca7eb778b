//! End users and addresses as an org's governor counts them: by digests, so that neither its counters
//! nor its alerts name anybody, and nothing of that has to be erased. Who asked stands beside the
//! records only, see [`Person`](crate::audit::Person).

use super::command::{Administer, Command, Reserve};
use super::rules::{Rules, Scope};
use crate::audit::Draft;
use crate::audit::person::digest;

/// The command with digests in place of the names that it counts by.
pub(super) fn unnamed(command: &Command, salt: &str) -> Command {
    let mut command = command.clone();
    unname(&mut command, salt);
    command
}

fn unname(command: &mut Command, salt: &str) {
    match command {
        Command::Activate(activate) => unname_rules(&mut activate.rules, salt),
        Command::Administer(act) => unname_act(act, salt),
        Command::Detach(detach) => note_user(&mut detach.draft, salt),
        Command::Flush(flush) => {
            let drafts = flush.settlements.iter_mut().map(|it| &mut it.draft);
            drafts.for_each(|draft| note_user(draft, salt));
        }
        Command::Forget { user, .. } => *user = digest(user, salt),
        Command::Refuse { draft } => note_user(draft, salt),
        Command::Consider(reserve) => unname_reserve(reserve, salt),
        Command::Reserve(reserve) => unname_reserve(reserve, salt),
        Command::Settle(settle) => note_user(&mut settle.draft, salt),
        Command::Alerts { .. }
        | Command::ChangeCorpus { .. }
        | Command::Delivered { .. }
        | Command::ExpireKey { .. }
        | Command::Extend(_)
        | Command::Inspect { .. }
        | Command::Renew { .. }
        | Command::RevokeKey { .. }
        | Command::Switches
        | Command::TopUp(_)
        | Command::Turn(_)
        | Command::Warn { .. }
        | Command::Adopt(_)
        | Command::Check { .. }
        | Command::Copy { .. }
        | Command::Holders => {}
    }
}

fn unname_reserve(reserve: &mut Reserve, salt: &str) {
    note_user(&mut reserve.draft, salt);
    let subjects = &mut reserve.subjects;
    subjects.user = digest(&subjects.user, salt);
    subjects.address = digest(&subjects.address, salt);
}

fn unname_rules(rules: &mut Rules, salt: &str) {
    let limits = rules.limits.iter_mut();
    let limits = limits.map(|limit| (&limit.per, &mut limit.only));
    let budgets = rules.budgets.iter_mut();
    let budgets = budgets.map(|budget| (&budget.per, &mut budget.only));
    for (per, only) in limits.chain(budgets) {
        if let (Scope::Address | Scope::User, Some(only)) = (per, only) {
            *only = digest(only, salt);
        }
    }
}

/// The user in the record of an act is the one whom it forgets.
fn unname_act(act: &mut Administer, salt: &str) {
    note_user(&mut act.draft, salt);
    if let Some(change) = &mut act.change {
        unname(change, salt);
        if let Command::Forget { user, .. } = &**change {
            act.draft.user.clone_from(user);
        }
    }
}

fn note_user(draft: &mut Draft, salt: &str) {
    draft.user = digest(&draft.person.user, salt);
}
