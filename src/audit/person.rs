//! Who asked, apart from the record: the chain protects records for ever, and what is personal must
//! go when it is asked to.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The personal fields of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The end user; empty where the request names none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// The client's address, for `IPv6` its /64; empty where it is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub address: String,
}

impl Person {
    /// Whether nothing is known.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.user.is_empty() && self.address.is_empty()
    }
}

/// What stands for a user in records and for users and addresses in counters: hexadecimal SHA-256
/// over the org's salt and the name, so that what is of one user belongs together, and nobody
/// without the salt finds out by trying names whose it is. Empty for nobody.
#[must_use]
pub fn digest(name: &str, salt: &str) -> String {
    if name.is_empty() {
        return String::new();
    }
    let digest = Sha256::new().chain_update(salt).chain_update(name);
    hex::encode(digest.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_depends_on_user_and_salt() {
        assert_eq!(digest("ann", "s"), digest("ann", "s"));
        assert_ne!(digest("ann", "s"), digest("bob", "s"));
        assert_ne!(digest("ann", "s"), digest("ann", "t"));
        assert_eq!(digest("ann", "s").len(), 64);
        assert_eq!(digest("", "s"), "");
    }
}
