//! The plan of a request: operation, tier, candidates in order, and what may be spent on it.

use std::sync::Arc;

use crate::config::{Capability, Catalogue, Model, ModelKind, Operation, Rag, TenantConfig, Tier};
use crate::error::{Error, Kind};
use crate::governor::command::Tokens;
use crate::intent;
use crate::isolate::OrgView;
use crate::money::Nanos;
use crate::protocol::{ChatRequest, Needs, ReasoningMode};
use crate::routing::bound;
use crate::routing::custom_cost::CustomCost;
use crate::routing::doubt::Doubt;
use crate::routing::fitting::{fitting, output_bound};
use crate::routing::graph::Way;
use crate::routing::graph::walk::Step;
use crate::routing::handling;
use crate::routing::instructions::{self, Instructions, Occasion, Variables};
use crate::routing::routed;
use crate::routing::wanted::{OPERATION_PREFIX, Wanted, named_operation};
use crate::usage::{Usage, estimate_tokens};

/// What a request may do from here on.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What the request is for.
    pub operation: Arc<Operation>,
    /// How sure that is, in per cent; 100 where the caller said it.
    pub confidence: u8,
    /// How much model it gets.
    pub tier: Tier,
    /// The models that may answer, in order; at least one.
    pub candidates: Vec<Candidate>,
    /// The operation's system prompt, unless the caller named a model and no operation.
    pub instructions: Option<Instructions>,
    /// Whether the operation says what the model reads and what becomes of its answer: not where the caller
    /// named a model and no operation.
    pub by_operation: bool,
    /// The tokens that the prompt may have; absent: as many as the model takes.
    pub input_tokens: Option<u64>,
    /// How the prompt is grounded.
    pub rag: Option<Rag>,
    /// For how long the answer may be served again, in seconds.
    pub cache_seconds: Option<u64>,
    /// The operation that it was taken to be for, which does not fit the request.
    pub instead_of: Option<String>,
    /// What is asked before all else where it is in doubt what the request is for.
    pub doubt: Option<Doubt>,
    /// The worst this plan may cost.
    pub bound: Nanos,
    /// The tokens it is likely to use, and those that it may be answered with.
    pub tokens: Tokens,
}

/// A model that may answer.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The model.
    pub model: Arc<Model>,
    /// Its id: that of the model, but for one that the catalogue does not list.
    pub id: String,
    /// The bound of each answer in tokens that is sent to it.
    pub max_tokens: u32,
    /// The worst one attempt may cost.
    pub bound: Nanos,
    /// Whether the model thinks, where the caller leaves it open.
    pub reasoning: Option<ReasoningMode>,
    /// What the caller says that it costs.
    pub custom: Option<CustomCost>,
    /// Where it stands on the way through a route.
    pub step: Option<Box<Step>>,
}

impl Candidate {
    /// Milliseconds that its route gives an attempt at most.
    #[must_use]
    pub fn timeout_ms(&self) -> Option<u64> {
        self.step.as_ref()?.terms.timeout_ms
    }

    /// Whether it thinks before it answers.
    #[must_use]
    pub fn thinks(&self) -> bool {
        self.model.can(Capability::Reasoning) && self.reasoning != Some(ReasoningMode::Off)
    }

    /// What an attempt that used this costs.
    #[must_use]
    pub fn cost(&self, usage: &Usage) -> Nanos {
        match &self.custom {
            Some(custom) => custom.cost(usage),
            None => self.model.price.cost(usage),
        }
    }
}

/// What the caller said about the plan, outside the body's standard fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// The operation of the header, which beats every other.
    pub operation: Option<String>,
    /// Whether the prompt must not be grounded.
    pub ungrounded: bool,
    /// Whether the answer must neither come from the cache nor go there.
    pub skip_cache: bool,
    /// For how long the answer may be cached, whatever the operation says.
    pub cache_seconds: Option<u64>,
    /// What the caller says that the answer costs.
    pub custom_cost: Option<CustomCost>,
    /// The tier or model that a spent budget wants in place of the one that was asked for.
    pub route: Option<String>,
    /// What a model says that the request is for, where the classifier was in doubt.
    pub verdict: Option<String>,
    /// The way through the route that was asked for.
    pub way: Option<Box<Way>>,
    /// Values for the variables of the operation's prompt.
    pub variables: Variables,
    /// What else the operation's prompt depends on.
    pub occasion: Occasion,
}

impl Plan {
    /// The text of the operation's system prompt.
    #[must_use]
    pub fn prompt(&self) -> Option<&str> {
        self.instructions
            .as_ref()
            .map(|prompt| prompt.text.as_str())
    }

    /// Makes the plan of a request for an org. Where the request does not fit an operation that nobody
    /// named, e.g. since its prompt needs a variable, the default operation serves it.
    ///
    /// # Errors
    /// `InvalidRequest` for an operation that does not exist or is not served here, where its prompt
    /// lacks a variable, and where no model can do what the request needs; `ModelNotFound`.
    pub fn make(request: &ChatRequest, wishes: &Wishes, org: &OrgView) -> Result<Self, Error> {
        let catalogue = org.config.catalogue();
        let asked = Wanted::parse(&request.model, ModelKind::Chat, catalogue)?;
        let cheaper = wishes.route.as_deref();
        let cheaper = cheaper.map(|route| Wanted::parse(route, ModelKind::Chat, catalogue));
        let cheaper = cheaper.transpose()?;
        let choice = choose_operation(request, wishes, &asked, &org.config)?;
        let plan = |choice: &Choice, cheaper: Option<&Wanted<'_>>| {
            Self::of(request, wishes, (&asked, cheaper, choice), catalogue)
        };
        let Some(spare) = choice.spare(catalogue) else {
            return plan(&choice, cheaper.as_ref());
        };
        match plan(&choice, cheaper.as_ref()) {
            // What only the cheaper route cannot do is no reason to take it for something else.
            Err(error)
                if error.kind == Kind::InvalidRequest
                    && (cheaper.is_none() || plan(&choice, None).is_err()) =>
            {
                Ok(Self {
                    instead_of: Some(choice.operation.name.clone()),
                    ..plan(&spare, cheaper.as_ref())?
                })
            }
            outcome => outcome,
        }
    }

    /// What a request is for follows from what was `asked`, who answers from the `cheaper` route that a spent
    /// budget wants.
    fn of(
        request: &ChatRequest,
        wishes: &Wishes,
        (asked, cheaper, choice): (&Wanted<'_>, Option<&Wanted<'_>>, &Choice),
        catalogue: &Catalogue,
    ) -> Result<Self, Error> {
        let model = wishes.route.as_deref().unwrap_or(&request.model);
        let Choice {
            operation,
            confidence,
            doubt,
        } = choice.clone();
        let wanted = cheaper.map_or(asked, |route| route.allowed_by(&operation));
        let named = confidence == 100;
        let grounding = named || asked.leaves_operation();
        let rag = operation.rag.filter(|_| grounding && !wishes.ungrounded);
        let instructions = if grounding {
            Instructions::render(&operation, &wishes.variables, &wishes.occasion)?
        } else {
            instructions::refuse(&wishes.variables)?;
            None
        };
        if grounding {
            handling::check_format(&operation, request)?;
        }
        let text = instructions.as_ref().map(|prompt| prompt.text.as_str());
        let output = operation.output.as_ref().filter(|_| grounding);
        let told = handling::told_bytes(output);
        let sizes = bound::Sizes::of(request, text, rag).with(told);
        let of_model = |model| candidate(model, request, &operation, &sizes, wishes.custom_cost);
        let (tier, candidates) = if let Wanted::Route(name) = *wanted {
            let way = wishes.way.as_ref().ok_or_else(|| routed::unknown(name))?;
            let allowed = operation.models.is_some() && named;
            let fits = |model: &Arc<Model>| {
                if allowed {
                    check_allowed(model, &operation)?;
                }
                fitting(vec![Arc::clone(model)], request, &operation).map(drop)
            };
            let stops = routed::stops(name, way, catalogue, fits)?;
            let candidates = stops.into_iter().map(|stop| Candidate {
                id: stop.id,
                step: Some(Box::new(stop.step)),
                ..of_model(stop.model)
            });
            (operation.tier, candidates.collect())
        } else {
            let (tier, models) = choose_models(request, wanted, &operation, catalogue)?;
            let candidates = models.into_iter().map(|model| Candidate {
                reasoning: thinks(wanted, tier),
                ..of_model(model)
            });
            let mut candidates: Vec<Candidate> = candidates.collect();
            if let Wanted::Model(_) = wanted {
                name_unlisted(&mut candidates, model, ModelKind::Chat, catalogue);
            }
            (tier, candidates)
        };
        let dearest = candidates
            .iter()
            .map(|candidate| candidate.bound)
            .max()
            .unwrap_or_default();
        let helpers = rag.map_or(Nanos::ZERO, |rag| bound::helpers(&sizes, rag, catalogue));
        let handled = (&*operation, output);
        let handled = handling::cost(
            handled,
            (request, &wishes.variables),
            &sizes,
            &candidates,
            catalogue,
        );
        let input_tokens = if grounding {
            let added = handling::added_bytes(text, output);
            handling::room(&operation, request, added, &candidates)?
        } else {
            None
        };
        let asking = doubt.as_ref().map_or(Nanos::ZERO, |doubt| doubt.bound);
        let answers = candidates.iter().map(|it| u64::from(it.max_tokens)).max();
        let choices = u64::from(request.choices.max(1));
        let tokens = Tokens {
            input: estimate_tokens(sizes.prompt_tokens).min(input_tokens.unwrap_or(u64::MAX)),
            output: answers.unwrap_or_default().saturating_mul(choices),
        };
        Ok(Self {
            cache_seconds: cache_seconds(request, wishes, &operation, grounding)
                .filter(|_| doubt.is_none()),
            operation,
            confidence,
            tier,
            candidates,
            instructions,
            by_operation: grounding,
            input_tokens,
            rag,
            bound: [dearest, helpers, handled, asking]
                .into_iter()
                .fold(Nanos::ZERO, Nanos::saturating_add),
            doubt,
            instead_of: None,
            tokens,
        })
    }
}

/// What a request is for.
#[derive(Clone)]
struct Choice {
    operation: Arc<Operation>,
    confidence: u8,
    doubt: Option<Doubt>,
}

impl Choice {
    /// The default operation, where this is another one that nobody named.
    fn spare(&self, catalogue: &Catalogue) -> Option<Self> {
        let default = catalogue.operation(&catalogue.default_operation)?;
        let is_guess = self.confidence < 100 && self.operation.name != default.name;
        is_guess.then(|| Self {
            operation: Arc::clone(default),
            confidence: self.confidence,
            doubt: None,
        })
    }
}

/// Header, then `model`, then metadata, then a guess, or what a model said where that was in doubt; the
/// default operation until then. A concrete model gets the default operation
/// rather than a guess, since it must be neither templated nor grounded unasked.
fn choose_operation(
    request: &ChatRequest,
    wishes: &Wishes,
    asked: &Wanted<'_>,
    config: &TenantConfig,
) -> Result<Choice, Error> {
    let catalogue = config.catalogue();
    // Of the request itself: a cheaper route takes the model's place, not the operation's.
    let in_model = request.model.strip_prefix(OPERATION_PREFIX);
    let named = [
        (wishes.operation.as_deref(), "x-ai-operation"),
        (in_model, "model"),
        (request.operation.as_deref(), "metadata.operation"),
    ];
    if let Some((name, param)) = named
        .into_iter()
        .find_map(|(name, param)| Some((name?, param)))
    {
        return Ok(Choice {
            operation: named_operation(name, param, ModelKind::Chat, catalogue)?,
            confidence: 100,
            doubt: None,
        });
    }
    let text = request.last_user_text();
    let guess = asked.leaves_operation().then(|| {
        let in_doubt = |confidence| config.intent().doubt(confidence).is_some();
        let signs = request.needs().into();
        intent::classify_turns(request.user_texts(), signs, catalogue, in_doubt)
    });
    let confidence = guess.as_ref().map_or(0, |guess| guess.confidence.min(99));
    let below = guess
        .as_ref()
        .and_then(|_| config.intent().doubt(confidence));
    let guessed = guess.as_ref().filter(|_| below.is_none());
    let guessed = guessed.map(|guess| &guess.operation);
    let verdict = wishes.verdict.as_ref().filter(|_| below.is_some());
    let name = verdict.or(guessed).unwrap_or(&catalogue.default_operation);
    let operation = catalogue.operation(name);
    let operation = operation.ok_or_else(|| Error::internal(format!("no operation {name}")))?;
    let below = below.filter(|_| verdict.is_none() && !text.trim().is_empty());
    Ok(Choice {
        operation: Arc::clone(operation),
        confidence,
        doubt: below.and_then(|below| Doubt::of(below, catalogue)),
    })
}

/// The operation of a request that takes a route, for the route's conditions: one that is not named is
/// guessed.
///
/// # Errors
/// `InvalidRequest` for one that does not exist or is not served here.
pub fn operation_on_route(
    request: &ChatRequest,
    wishes: &Wishes,
    config: &TenantConfig,
) -> Result<Arc<Operation>, Error> {
    let chosen = choose_operation(request, wishes, &Wanted::Auto, config);
    chosen.map(|choice| choice.operation)
}

/// The operation's own models; else those of the tier asked for; where none of these can do it, those of
/// the need's tier, else of the next up. After those of a tier come its fallbacks, as far as they can.
fn choose_models(
    request: &ChatRequest,
    wanted: &Wanted<'_>,
    operation: &Operation,
    catalogue: &Catalogue,
) -> Result<(Tier, Vec<Arc<Model>>), Error> {
    let tier = match wanted {
        Wanted::Model(model) => {
            check_allowed(model, operation)?;
            let models = fitting(vec![Arc::clone(model)], request, operation)?;
            return Ok((operation.tier, models));
        }
        Wanted::Tier(tier) => *tier,
        Wanted::Auto | Wanted::Operation(_) | Wanted::Route(_) => operation.tier,
    };
    if let Some(ids) = &operation.models {
        return fitting(catalogue.known(ids), request, operation).map(|models| (tier, models));
    }
    let of_tier = |tier| {
        let mut models = fitting(catalogue.models_of(tier), request, operation)?;
        let others = fitting(catalogue.fallbacks_of(tier), request, operation);
        models.extend(others.unwrap_or_default());
        Ok((tier, models))
    };
    let needs = request.needs();
    let mut outcome = of_tier(tier);
    for other in alternatives(tier, needs) {
        outcome = outcome.or_else(|error| of_tier(other).map_err(|_| error));
    }
    outcome
}

/// Refuses a model by name that the operation does not allow.
pub(super) fn check_allowed(model: &Model, operation: &Operation) -> Result<(), Error> {
    match &operation.models {
        Some(ids) if !ids.contains(&model.id) => {
            let message = format!(
                "The operation `{}` allows only {}. Ask for one of these, or leave `model` to `auto`.",
                operation.name,
                ids.join(", ")
            );
            Err(Error::invalid("model", message))
        }
        _ => Ok(()),
    }
}

/// The tiers to try after `tier`, in order.
fn alternatives(tier: Tier, needs: Needs) -> Vec<Tier> {
    let by_need = [(needs.vision, Tier::Vision), (needs.tools, Tier::Agent)];
    let by_need = by_need
        .into_iter()
        .filter(|(needed, _)| *needed)
        .map(|(_, tier)| tier);
    let upwards = std::iter::successors(tier.next_up(), |tier| tier.next_up());
    by_need.chain(upwards).collect()
}

fn candidate(
    model: Arc<Model>,
    request: &ChatRequest,
    operation: &Operation,
    sizes: &bound::Sizes,
    custom: Option<CustomCost>,
) -> Candidate {
    let max_tokens = output_bound(&model, request, operation);
    Candidate {
        id: model.id.clone(),
        max_tokens,
        bound: bound::attempt(&model, sizes, (request.choices, max_tokens), custom),
        model,
        reasoning: None,
        custom,
        step: None,
    }
}

/// Gives a model that the catalogue does not list the id it was asked for by.
pub(super) fn name_unlisted(
    candidates: &mut [Candidate],
    name: &str,
    kind: ModelKind,
    catalogue: &Catalogue,
) {
    if let ([only], Ok(named)) = (candidates, catalogue.named(name, kind)) {
        only.id = named.id.into_owned();
    }
}

/// A light answer is short: a model that thinks first would spend its bound on that.
const fn thinks(wanted: &Wanted<'_>, tier: Tier) -> Option<ReasoningMode> {
    match (wanted, tier) {
        (Wanted::Model(_), _) => None,
        (_, Tier::Light) => Some(ReasoningMode::Off),
        _ => None,
    }
}

/// Answers are served again where the operation or the caller says so; never those of a request
/// with tools, pictures or several choices, whose answers depend on more than the conversation.
fn cache_seconds(
    request: &ChatRequest,
    wishes: &Wishes,
    operation: &Operation,
    by_operation: bool,
) -> Option<u64> {
    let needs = request.needs();
    // What a cheaper route answers is not what is asked for.
    let as_asked = wishes.route.is_none();
    let repeatable =
        as_asked && request.choices == 1 && !needs.tools && !needs.vision && !needs.audio;
    let of_operation = operation.cache_seconds.filter(|_| by_operation);
    wishes
        .cache_seconds
        .or(of_operation)
        .filter(|_| repeatable && !wishes.skip_cache)
}
