//! What goes wrong where: told for the next calls, for all calls, or by chance.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};

use super::random::Random;

/// A thing that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Port {
    /// The governor's own alarm.
    Alarm,
    Audit,
    Cache,
    Documents,
    Files,
    Governor,
    Responses,
    /// The way of a governor to the root.
    Root,
    Tenants,
    Vectors,
}

impl Port {
    pub(crate) const ALL: [Self; 10] = [
        Self::Alarm,
        Self::Audit,
        Self::Cache,
        Self::Documents,
        Self::Files,
        Self::Governor,
        Self::Responses,
        Self::Root,
        Self::Tenants,
        Self::Vectors,
    ];
}

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing happens but an error.
    Down,
    /// It is done, but the caller hears of an error.
    Lost,
    /// It takes so many milliseconds, and is done.
    Slow(u64),
    /// The governor's row is not stored; the object starts anew.
    BeforeAppend,
    /// The governor's row is stored, its object hears of an error and starts anew.
    AfterAppend,
    /// The governor's object loses its memory before the call.
    Evict,
}

const OF_STORES: [Fault; 4] = [
    Fault::Down,
    Fault::Lost,
    Fault::Slow(300),
    Fault::Slow(8_000),
];
const OF_ALARMS: [Fault; 3] = [Fault::Down, Fault::BeforeAppend, Fault::AfterAppend];
const OF_GOVERNORS: [Fault; 7] = [
    Fault::Down,
    Fault::Lost,
    Fault::Slow(300),
    Fault::Slow(8_000),
    Fault::BeforeAppend,
    Fault::AfterAppend,
    Fault::Evict,
];

#[derive(Default)]
pub(crate) struct Faults {
    next: RefCell<BTreeMap<Port, VecDeque<Fault>>>,
    always: RefCell<BTreeMap<Port, Fault>>,
    per_mille: Cell<u64>,
}

impl Faults {
    /// The next call of `port` fails so; several are taken in order.
    pub(crate) fn once(&self, port: Port, fault: Fault) {
        let mut next = self.next.borrow_mut();
        next.entry(port).or_default().push_back(fault);
    }

    /// Every call of `port` fails so, until [`Self::end`].
    pub(crate) fn always(&self, port: Port, fault: Fault) {
        self.always.borrow_mut().insert(port, fault);
    }

    /// Calls fail by chance.
    pub(crate) fn by_chance(&self, per_mille: u64) {
        self.per_mille.set(per_mille);
    }

    /// Nothing fails any more.
    pub(crate) fn end(&self) {
        self.next.borrow_mut().clear();
        self.always.borrow_mut().clear();
        self.per_mille.set(0);
    }

    /// How this call fails.
    pub(crate) fn take(&self, port: Port, random: &Random) -> Option<Fault> {
        let mut next = self.next.borrow_mut();
        let told = next.get_mut(&port).and_then(VecDeque::pop_front);
        told.or_else(|| self.always.borrow().get(&port).copied())
            .or_else(|| self.chosen(port, random))
    }

    fn chosen(&self, port: Port, random: &Random) -> Option<Fault> {
        if self.per_mille.get() == 0 || !random.chance(self.per_mille.get()) {
            return None;
        }
        let kinds: &[Fault] = match port {
            Port::Alarm => &OF_ALARMS,
            Port::Governor => &OF_GOVERNORS,
            _ => &OF_STORES,
        };
        Some(*random.pick(kinds))
    }
}
