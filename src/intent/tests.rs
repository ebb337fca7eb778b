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
    ("summarize", "Can you give me a summary of the warranty terms?"),
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
    classify(text, Needs::default(), config::catalogue().unwrap())
}

#[test]
fn sentences_of_three_languages_find_their_operation() {
    let wrong: Vec<String> = SENTENCES
        .iter()
        .map(|&(expected, text)| (expected, text, classified(text)))
        .filter(|(expected, _, guess)| guess.operation != *expected)
        .map(|(expected, text, guess)| format!("{text:?}: {expected}, not {guess:?}"))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_parts_of_a_request_come_before_its_words() {
    let catalogue = config::catalogue().unwrap();
    let guess = |needs| classify("Translate this", needs, catalogue).operation;
    let tools = Needs {
        tools: true,
        ..Needs::default()
    };
    assert_eq!(guess(tools), "workflow");
    let pictures = Needs {
        vision: true,
        ..tools
    };
    assert_eq!(guess(pictures), "read_document");
}

#[test]
fn several_signs_are_surer_than_one_and_contradiction_is_unsure() {
    let weak = classified("I have a question about an invoice").confidence;
    let strong = classified("What is your return policy, and how long does a refund take?");
    let torn = classified("The refund fails with an error message, what is the optimal menu?");
    assert!(weak < strong.confidence, "{weak} {strong:?}");
    assert!(torn.confidence < strong.confidence, "{torn:?} {strong:?}");
    assert_eq!(classified("Hello").confidence, CONFIDENCE_OF_DEFAULT);
}

#[test]
fn repeating_a_word_adds_nothing() {
    let once = classified("refund");
    assert_eq!(classified(&"refund ".repeat(50)), once);
}

#[test]
fn a_long_text_leans_towards_what_long_texts_are_for() {
    let words = "the meeting went on and on about plans and budgets for the next season ";
    let text = format!(
        "A summary of this? What is your view?\n{}",
        words.repeat(40)
    );
    assert_eq!(classified(&text).operation, "summarize");
}

#[test]
fn what_comes_after_the_part_that_is_read_does_not_count() {
    let text = format!("{} What is your return policy?", "tale ".repeat(500));
    assert_eq!(classified(&text).operation, "chat");
}

proptest! {
    #[test]
    fn any_text_gets_a_text_operation(text in "\\PC{0,200}") {
        let catalogue = config::catalogue().unwrap();
        let guess = classify(&text, Needs::default(), catalogue);
        let operation = catalogue.operation(&guess.operation).unwrap();
        prop_assert_eq!(operation.tier.kind(), config::ModelKind::Chat);
        prop_assert!(guess.confidence <= 100);
    }
}
