use std::borrow::Cow;

use proptest::prelude::*;

use super::*;
use crate::config;

/// What a user says, after the operation it is for.
#[rustfmt::skip]
const SENTENCES: &[(&str, &str)] = &[
    // English
    ("faq", "What is your return policy?"),
    ("faq", "How long do I have to return a battery?"),
    ("faq", "Do you ship to the Canary Islands?"),
    ("faq", "Hi there! What are your opening hours on Saturdays?"),
    ("faq", "How much does installation cost?"),
    ("faq", "Does the warranty cover water damage?"),
    ("navigation", "How do I get to the energy history?"),
    ("navigation", "Please take me to the settings page."),
    ("navigation", "Where is the button to export my data?"),
    ("autocomplete", "Complete the sentence: The best thing about solar power is"),
    ("autocomplete", "Finish this paragraph in my style: Dear team,"),
    ("translate", "Translate to Spanish: good morning, everyone"),
    ("translate", "Could you translate this into French? I like the sun."),
    ("translate", "How do you say 'invoice' in Portuguese?"),
    ("classify_ticket", "Classify this ticket: my invoice shows the wrong address"),
    ("classify_ticket", "Which category fits this message? 'I was charged twice'"),
    ("summarize", "Summarize the following meeting notes in three bullet points."),
    ("summarize", "TL;DR please: the quarterly meeting was long and covered much"),
    ("draft_email", "Write an email to a customer whose delivery is late."),
    ("draft_email", "Please draft a reply to this complaint."),
    ("analyze_report", "Analyze this report and tell me what stands out."),
    ("analyze_report", "Analyse the sales figures of the last quarter."),
    ("generate_report", "Generate a report on battery failures in October."),
    ("generate_report", "Write a quarterly report about our returns."),
    ("support_diagnosis", "My battery won't turn on after the storm."),
    ("support_diagnosis", "The inverter shows error code E-07 and keeps restarting."),
    ("support_diagnosis", "Why is the light blinking red? It does not charge."),
    ("complex_reasoning", "Prove that the square root of 2 is irrational."),
    ("complex_reasoning", "Think through the trade-offs of leasing or buying, step by step."),
    ("workflow", "Schedule a meeting with Ana and then send her the agenda."),
    ("chat", "Hello!"),
    ("chat", "Tell me a joke about cats."),
    ("chat", "Write a poem about the sea"),
    ("chat", ""),
    ("chat", "Hello there"),
    // Spanish
    ("faq", "¿Cuál es el plazo de devolución?"),
    ("faq", "¿Cuánto tarda el envío a Mallorca?"),
    ("faq", "¿Qué cubre la garantía de la batería?"),
    ("faq", "¿A qué hora abren los sábados?"),
    ("faq", "¿Tienen factura electrónica?"),
    ("navigation", "¿En qué menú cambio la tarifa?"),
    ("navigation", "Llévame a la pantalla de consumo"),
    ("autocomplete", "Completa la frase: El sol sale"),
    ("translate", "Traduce al inglés: buenos días a todos"),
    ("translate", "Hola, ¿puedes traducir este párrafo al francés?"),
    ("classify_ticket", "Clasifica este ticket: me han cobrado dos veces"),
    ("summarize", "Resume este texto en dos frases."),
    ("summarize", "Por favor, hazme un resumen de las condiciones de garantía"),
    ("draft_email", "Redacta un correo para un cliente enfadado."),
    ("analyze_report", "Analiza los datos de ventas del trimestre"),
    ("generate_report", "Elabora un informe mensual de incidencias."),
    ("support_diagnosis", "La batería no enciende y la luz roja parpadea"),
    ("complex_reasoning", "Resuelve este problema paso a paso: un tren sale de Madrid"),
    ("chat", "Cuéntame un chiste"),
    // Portuguese
    ("faq", "Qual é o prazo de devolução?"),
    ("faq", "Quanto custa a entrega em Lisboa?"),
    ("faq", "Vocês aceitam cartão de crédito?"),
    ("navigation", "Onde fica o botão de exportar?"),
    ("translate", "Traduza para o inglês: bom dia a todos"),
    ("summarize", "Resuma o texto em três frases."),
    ("draft_email", "Escreva um e-mail para o fornecedor."),
    ("generate_report", "Gere um relatório de vendas"),
    ("support_diagnosis", "A bateria não liga depois da tempestade"),
    ("chat", "Conta uma piada"),
    // Traps: a word of one operation in a request for another
    ("faq", "Do you offer help to translate the manual, and how much is it?"),
    ("faq", "How long does a refund take if I already wrote an email to you?"),
    ("chat", "I updated my resume yesterday, any advice for interviews?"),
    ("translate", "Translate: What is your return policy?"),
    ("translate", "Traduce al inglés: la batería no funciona"),
    ("summarize", "Summarize this complaint: my battery does not work and I want a refund"),
    ("classify_ticket", "Classify this ticket: the app does not work since the update"),
    ("draft_email", "Draft an email that explains our return policy"),
    ("generate_report", "Write a report on why the app keeps failing"),
];

fn classified(text: &str) -> Guess {
    classify(text, Signs::default(), config::catalogue().unwrap())
}

#[test]
fn nineteen_of_twenty_sentences_find_their_operation() {
    let wrong: Vec<String> = SENTENCES
        .iter()
        .map(|&(expected, text)| (expected, text, classified(text)))
        .filter(|(expected, _, guess)| guess.operation != *expected)
        .map(|(expected, text, guess)| format!("{text:?}: {expected}, not {guess:?}"))
        .collect();
    assert!(
        wrong.len().saturating_mul(20) <= SENTENCES.len(),
        "{wrong:#?}"
    );
}

#[test]
fn what_is_read_is_known_to_the_catalogue() {
    let model = model().unwrap();
    let catalogue = config::catalogue().unwrap();
    for name in model.names() {
        assert!(catalogue.operation(name).is_some(), "{name}");
    }
    assert!(
        model
            .names()
            .contains(&catalogue.default_operation.as_str())
    );
}

#[test]
fn what_comes_with_the_text_counts() {
    let model = model().unwrap();
    let of_reading = |signs| {
        let judged = model.judge("What does it say?", signs);
        let place = model.names().iter().position(|it| *it == "read_document");
        judged[place.unwrap()]
    };
    let image = Signs {
        image: true,
        ..Signs::default()
    };
    assert!(of_reading(image) > 0.9 && of_reading(image) > of_reading(Signs::default()));
}

#[test]
fn work_that_no_chat_model_does_is_the_default_operations() {
    for text in [
        "Transcribe this call, please",
        "Read this aloud in a female voice",
        "find all contracts that mention a penalty clause",
    ] {
        let guess = classified(text);
        assert_eq!(guess.operation, "chat", "{text}");
        assert!(guess.confidence > 50, "{text}: {guess:?}");
    }
}

#[test]
fn what_contradicts_itself_is_less_sure_than_what_does_not() {
    let sure = classified("Translate to Spanish: good morning, everyone").confidence;
    let torn = classified("the summary, in an email? or where is the translated report").confidence;
    assert!(torn < sure, "{torn} {sure}");
    assert_eq!(classified(" \n").confidence, 0);
}

#[test]
fn a_request_is_found_at_either_end_of_what_is_pasted() {
    let pasted = "Dear Ms Ruiz,\nThe delivery of your order was late because the van broke down. \
        We are sorry. The invoice was sent twice by mistake.\n"
        .repeat(40);
    for text in [
        format!("Summarize this in two sentences:\n\n{pasted}"),
        format!("{pasted}\n\nSummarize this in two sentences, please."),
    ] {
        assert_eq!(classified(&text).operation, "summarize");
    }
}

#[test]
fn a_file_that_is_no_weights_is_not_read() {
    assert!(Model::read(b"").is_none());
    assert!(Model::read(b"INTENT 1").is_none());
    let (whole, cut) = (EMBEDDED, EMBEDDED.len() - 1);
    assert!(Model::read(&whole[..cut]).is_none());
    assert!(Model::read(&[whole, b"!"].concat()).is_none());
    assert!(Model::read(&[b"X", &whole[1..]].concat()).is_none());
}

proptest! {
    #[test]
    fn any_text_gets_a_text_operation(text in any::<String>(), bits in 0_u8..16) {
        let signs = Signs {
            tools: bits & 1 > 0,
            image: bits & 2 > 0,
            audio: bits & 4 > 0,
            schema: bits & 8 > 0,
        };
        let catalogue = config::catalogue().unwrap();
        let guess = classify(&text, signs, catalogue);
        let operation = catalogue.operation(&guess.operation).unwrap();
        prop_assert_eq!(operation.tier.kind(), ModelKind::Chat);
        prop_assert!(guess.confidence <= 99);
        let judged = model().unwrap().judge(&text, signs);
        let all: f32 = judged.iter().sum();
        prop_assert!((0.999..1.001).contains(&all));
    }

    #[test]
    fn any_file_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Model::read(&[&model::MAGIC[..], &bytes].concat());
    }

    #[test]
    fn a_long_text_is_no_more_work(filler in "[a-zé\\n\" ]{1,9}") {
        let text = filler.repeat(1_000_000_usize.div_ceil(filler.len()));
        let mut given = 0_u32;
        features::each(&text, Signs::default(), &mut |_, _| given = given.saturating_add(1));
        prop_assert!(given < 8_000, "{given}");
    }
}

/// What the last of these turns is for, oldest first, to an org that doubts guesses below so many per cent.
fn of_turns(turns: &[&str], doubted: u8) -> Guess {
    let newest_first = turns.iter().rev().map(|turn| Cow::Borrowed(*turn));
    let catalogue = config::catalogue().unwrap();
    classify_turns(newest_first, Signs::default(), catalogue, |confidence| {
        confidence < doubted
    })
}

#[test]
fn a_short_turn_that_says_little_goes_on_with_the_one_before() {
    let cases = [
        (
            "faq",
            "How long does a delivery to Spain take?",
            "And for Portugal?",
        ),
        (
            "generate_report",
            "Generate a report on battery failures in October.",
            "Go on.",
        ),
        (
            "summarize",
            "Summarize the following meeting notes.",
            "Do it again with more detail",
        ),
        (
            "translate",
            "Translate into French: good morning",
            "And now in Portuguese?",
        ),
    ];
    for (operation, before, last) in cases {
        let guess = of_turns(&[before, last], 40);
        assert_eq!(guess.operation, operation, "{last}: {guess:?}");
        assert!(guess.confidence > 60, "{last}: {guess:?}");
    }
    let torn = ["What is your return policy?", "yes"];
    assert_ne!(of_turns(&torn, 40).operation, "faq");
    assert_eq!(of_turns(&torn, 90).operation, "faq", "the org doubts more");
}

#[test]
fn a_turn_that_says_enough_is_read_alone() {
    let before = "Translate into French: good morning";
    let clear = [
        "Tell me a joke about cats.",
        "What is your return policy?",
        "Summarize this in two sentences.",
        "Hello!",
    ];
    for last in clear {
        assert_eq!(of_turns(&[before, last], 40), classified(last), "{last}");
    }
    let long =
        "the summary, in an email? or where is the translated report, and what of the rest? "
            .repeat(2);
    assert_eq!(of_turns(&[before, &long], 100), classified(&long));
    let first = of_turns(&[before, "Go on.", "Go on."], 40);
    assert_eq!(first, classified("Go on."), "one turn back, no more");
}

#[test]
fn a_lone_turn_is_judged_as_it_is() {
    for (_, text) in SENTENCES {
        assert_eq!(of_turns(&[text], 100), classified(text), "{text}");
    }
    assert_eq!(of_turns(&[], 100), classified(""));
    assert_eq!(of_turns(&["", "Go on."], 100), classified("Go on."));
}
