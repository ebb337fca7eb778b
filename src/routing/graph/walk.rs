//! The way of a request through a route. Pure: of the same facts, closed gates and draws the same way.

use sha2::{Digest, Sha256};

use super::facts::Facts;
use super::{Balance, Gate, NodeIndex, Route, Split, Strategy, Terms, WHOLE, Work};
use crate::money::Nanos;

/// What decides a way beside the request itself.
pub struct Circumstances<'a> {
    /// The names of gates that are closed.
    pub closed: &'a dyn Fn(&str) -> bool,
    /// What outputs by chance depend on.
    pub chance: Chance,
    /// What is known of models.
    pub market: &'a dyn Market,
}

/// What outputs by chance depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chance {
    /// The same draw at every node, a part of [`WHOLE`].
    Fixed(u32),
    /// A draw for each node, from a number that is the request's own.
    Seed(u64),
}

/// What is known of models, by the names that routes have for them.
pub trait Market {
    /// What the request costs about, where that is known.
    fn cost(&self, model: &str) -> Option<Nanos>;

    /// Milliseconds to an answer, or to the first event of a stream; none where that is to be found out.
    fn latency_ms(&self, model: &str) -> Option<u32>;

    /// Whether it is not worth asking right now.
    fn is_down(&self, model: &str) -> bool;
}

/// The way of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// The nodes in the order in which it comes to them, with what each decided.
    pub nodes: Vec<(NodeIndex, Choice)>,
    /// The models that may answer, in order.
    pub steps: Vec<Step>,
    /// The names of the gates it goes through, in order.
    pub gates: Vec<String>,
    /// How it ends.
    pub end: End,
}

/// A model on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its name.
    pub model: String,
    /// What holds of asking it.
    pub terms: Terms,
    /// How many nodes of the way lead to it, its own included.
    pub nodes: usize,
    /// How many gates of the way lie before it.
    pub gates: usize,
}

/// What a node decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Its condition held, or did not.
    Condition(bool),
    /// It took the output of this name, for this draw (a part of [`WHOLE`]).
    Drawn(String, u32),
    /// It has no choice.
    Only,
    /// Its gate was open, or was closed.
    Open(bool),
    /// It prefers its outputs in this order.
    Order(Vec<String>),
}

/// How a way ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// At a closed gate that leads nowhere else.
    Closed(Gate),
    /// At a node of the type `end`.
    #[default]
    Ended,
    /// With a model that leads nowhere else.
    Exhausted,
}

/// Walks a route.
#[must_use]
pub fn walk(route: &Route, facts: &Facts<'_>, circumstances: &Circumstances<'_>) -> Way {
    let mut walker = Walker {
        route,
        facts,
        circumstances,
        seen: vec![false; route.nodes.len()],
        others: Vec::new(),
        way: Way::default(),
    };
    let mut next = Some(route.start);
    while let Some(index) = next {
        next = walker.visit(index).or_else(|| walker.other());
    }
    walker.way
}

struct Walker<'a> {
    route: &'a Route,
    facts: &'a Facts<'a>,
    circumstances: &'a Circumstances<'a>,
    seen: Vec<bool>,
    /// Where it goes on where a way leads nowhere else; the next at the end.
    others: Vec<NodeIndex>,
    way: Way,
}

impl Walker<'_> {
    /// Comes to a node; gives where it goes on. Each node is visited once, so that no way is endless.
    fn visit(&mut self, index: NodeIndex) -> Option<NodeIndex> {
        if std::mem::replace(self.seen.get_mut(index)?, true) {
            return None;
        }
        let node = self.route.node(index)?;
        let (choice, next) = match &node.work {
            Work::Balance(balance) => self.balance(&node.id, balance),
            Work::Conditional {
                condition,
                then,
                otherwise,
            } => {
                let holds = condition.holds(self.facts);
                let next = if holds { then } else { otherwise };
                (Choice::Condition(holds), Some(*next))
            }
            Work::End => {
                self.way.end = End::Ended;
                self.others.clear();
                (Choice::Only, None)
            }
            Work::Limit {
                gate,
                success,
                fallback,
            } => {
                let is_open = !(self.circumstances.closed)(&gate.name);
                if is_open {
                    self.way.gates.push(gate.name.clone());
                } else if fallback.is_none() {
                    self.way.end = End::Closed(gate.clone());
                }
                let next = if is_open { Some(*success) } else { *fallback };
                (Choice::Open(is_open), next)
            }
            Work::Model {
                model,
                terms,
                fallback,
            } => {
                self.way.end = End::Exhausted;
                self.way.steps.push(Step {
                    model: model.clone(),
                    terms: *terms,
                    nodes: self.way.nodes.len().saturating_add(1),
                    gates: self.way.gates.len(),
                });
                (Choice::Only, *fallback)
            }
            Work::Percentage(split) => split_at(self.draw(&node.id), split),
            Work::Split(by, split) => {
                let subject = self.facts.find(by).subject();
                // Nodes of other routes may have the same id.
                let name = &self.route.name;
                let draw = subject.map(|subject| part(&[name, &node.id, &subject]));
                split_at(draw.unwrap_or_else(|| self.draw(&node.id)), split)
            }
            Work::Start(next) => (Choice::Only, Some(*next)),
        };
        self.way.nodes.push((index, choice));
        next
    }

    /// What a balance would have taken next.
    fn other(&mut self) -> Option<NodeIndex> {
        self.others.pop()
    }

    fn draw(&self, node: &str) -> u32 {
        match self.circumstances.chance {
            Chance::Fixed(draw) => draw.min(WHOLE.saturating_sub(1)),
            Chance::Seed(seed) => part(&[node, &seed.to_string()]),
        }
    }

    /// The outputs in the order of preference: what is down comes last.
    fn balance(&mut self, node: &str, balance: &Balance) -> (Choice, Option<NodeIndex>) {
        let market = self.circumstances.market;
        let model = |target: NodeIndex| match self.route.node(target).map(|node| &node.work) {
            Some(Work::Model { model, .. }) => Some(model.as_str()),
            _ => None,
        };
        let first = self.weighed(node, balance);
        let mut outputs: Vec<&(String, u32, NodeIndex)> = balance.outputs.iter().collect();
        outputs.sort_by_key(|(name, weight, target)| {
            let model = model(*target);
            let is_down = model.is_some_and(|model| market.is_down(model));
            let rank = match balance.strategy {
                Strategy::LeastCost => {
                    let cost = model.and_then(|model| market.cost(model));
                    u64::try_from(cost.unwrap_or(Nanos::MAX).get()).unwrap_or(u64::MAX)
                }
                // What is not known is found out.
                Strategy::LeastLatency => {
                    let latency = model.and_then(|model| market.latency_ms(model));
                    latency.map_or(0, u64::from)
                }
                Strategy::Weights if first == Some(*target) => 0,
                Strategy::Weights => u64::from(u32::MAX.saturating_sub(*weight)).saturating_add(1),
            };
            (is_down, rank, name.as_str())
        });
        let order = outputs.iter().map(|(name, _, _)| name.clone()).collect();
        let mut targets = outputs.iter().map(|(_, _, target)| *target);
        let next = targets.next();
        self.others.extend(targets.rev());
        (Choice::Order(order), next)
    }

    /// The output that a draw in proportion to the weights falls on.
    fn weighed(&self, node: &str, balance: &Balance) -> Option<NodeIndex> {
        let weights = balance
            .outputs
            .iter()
            .map(|(_, weight, _)| u64::from(*weight));
        let sum = weights.fold(0, u64::saturating_add);
        let draw = u64::from(self.draw(node)).saturating_mul(sum);
        let draw = draw.checked_div(u64::from(WHOLE))?;
        let mut upto: u64 = 0;
        let mut outputs = balance.outputs.iter();
        let within = |(_, weight, _): &&(String, u32, NodeIndex)| {
            upto = upto.saturating_add(u64::from(*weight));
            draw < upto
        };
        outputs.find(within).map(|(_, _, target)| *target)
    }
}

/// The output that a draw falls on.
fn split_at(draw: u32, split: &Split) -> (Choice, Option<NodeIndex>) {
    let mut upto: u32 = 0;
    let within = |(_, share, _): &&(String, u32, NodeIndex)| {
        upto = upto.saturating_add(*share);
        draw < upto
    };
    let taken = split.outputs.iter().find(within);
    let taken = taken.or_else(|| split.outputs.last());
    let Some((name, _, next)) = taken else {
        return (Choice::Only, None);
    };
    (Choice::Drawn(name.clone(), draw), Some(*next))
}

/// A part of [`WHOLE`] that texts have for ever, each as likely as any other.
fn part(texts: &[&str]) -> u32 {
    let hash = texts.iter().fold(Sha256::new(), |hash, text| {
        let length = text.len().to_string();
        hash.chain_update(length)
            .chain_update(":")
            .chain_update(text)
    });
    let mut number = [0_u8; 8];
    for (byte, hashed) in number.iter_mut().zip(hash.finalize()) {
        *byte = hashed;
    }
    let part = u64::from_be_bytes(number).checked_rem(u64::from(WHOLE));
    part.and_then(|part| u32::try_from(part).ok())
        .unwrap_or_default()
}
