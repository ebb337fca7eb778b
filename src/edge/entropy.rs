//! Randomness: `crypto.getRandomValues`.

use crate::error::Error;
use crate::ports::Entropy;

/// The platform's randomness.
pub(super) struct PlatformEntropy;

impl Entropy for PlatformEntropy {
    fn bytes(&self) -> Result<[u8; 32], Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)
            .map_err(|error| Error::internal(format!("no randomness: {error}")))?;
        Ok(bytes)
    }
}
