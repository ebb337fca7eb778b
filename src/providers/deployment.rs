//! Who exactly made an answer: reasoning that is encrypted opens again only there.

use sha2::{Digest, Sha256};

use crate::protocol::{Answer, Content, Event, Family, Signature};

/// Letters of a fingerprint.
const LENGTH: usize = 12;

/// A provider with its address and its key, told by a fingerprint from which neither can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment(pub(super) String);

impl Deployment {
    /// The deployment of a provider at an address with a key; both empty over the AI binding.
    pub(super) fn new(provider: &str, base_url: &str, key: &str) -> Self {
        let parts = [provider, base_url, key];
        let hash = parts.iter().fold(Sha256::new(), |hash, part| {
            hash.chain_update(part).chain_update([0])
        });
        let text = hex::encode(hash.finalize());
        Self(text.chars().take(LENGTH).collect())
    }

    /// Whether it made a signature, so that it can read what the signature stands for.
    #[must_use]
    pub fn made(&self, signature: &Signature) -> bool {
        let maker = signature.maker.as_ref();
        maker.is_some_and(|maker| signature.family == Family::OpenAi && maker.deployment == self.0)
    }

    /// Says in an answer that this deployment made it.
    pub fn sign(&self, answer: &mut Answer) {
        let parts = answer
            .choices
            .iter_mut()
            .flat_map(|choice| &mut choice.parts);
        for part in parts {
            if let Content::Reasoning {
                signature: Some(signature),
                ..
            } = &mut part.content
            {
                self.own(signature);
            }
        }
    }

    /// Says so in an event of a streamed one.
    pub fn sign_event(&self, event: &mut Event) {
        if let Event::ReasoningSignature { signature, .. } = event {
            self.own(signature);
        }
    }

    fn own(&self, signature: &mut Signature) {
        if let Some(maker) = &mut signature.maker {
            maker.deployment.clone_from(&self.0);
        }
    }
}
