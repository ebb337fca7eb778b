//! Context for grounded answers: documents to passages, the best passages to a prompt. No I/O.

pub mod chunk;
pub mod pack;
pub mod prompt;
pub mod rank;
pub mod trim;

pub use self::chunk::chunk;
pub use self::pack::pack;
pub use self::prompt::ground;
pub use self::rank::{Keep, Ranked, Scored, join, keep};
