#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| esclusa_fuzz::feed("schema", bytes));
