use super::input;
use crate::providers::FailureClass;
use crate::providers::workers_ai::{self, Overlong};

#[test]
fn embeddings_are_checked() {
    let call = workers_ai::encode_embedding("m", &["a", "é\""], Overlong::Cut);
    assert_eq!(
        input(&call),
        r#"{"text":["a","é\""],"truncate_inputs":true}"#
    );
    let good = br#"{"shape":[2,2],"data":[[0.5,-1],[1e-3,0]],"pooling":"cls"}"#;
    assert_eq!(
        workers_ai::decode_embedding(good, 2).unwrap(),
        [[0.5, -1.0], [0.001, 0.0]]
    );
    let bad: [&[u8]; 9] = [
        b"",
        b"[]",
        b"{}",
        br#"{"data":[[1,2]]}"#,
        br#"{"data":[[1,2],[1]]}"#,
        br#"{"data":[[],[]]}"#,
        br#"{"data":[[1,2],[1,1e300]]}"#,
        br#"{"data":[[1,2],[1,null]]}"#,
        br#"{"data":[[1,2],"a"]}"#,
    ];
    for body in bad {
        assert_eq!(
            workers_ai::decode_embedding(body, 2).unwrap_err().class,
            FailureClass::Malformed,
            "{body:?}"
        );
    }
    let told = workers_ai::decode_embedding(br#"{"errors":[{"code":3040,"message":"busy"}]}"#, 2);
    assert_eq!(told.unwrap_err().class, FailureClass::Capacity);
}

#[test]
fn ranks_are_checked() {
    let call = workers_ai::encode_rerank("m", "q", &["a", "b"], 1);
    assert_eq!(
        input(&call),
        r#"{"query":"q","contexts":[{"text":"a"},{"text":"b"}],"top_k":1}"#
    );
    let good = br#"{"response":[{"id":0,"score":0.25},{"id":2,"score":0.75}]}"#;
    assert_eq!(
        workers_ai::decode_rerank(good, 3).unwrap(),
        [(2, 0.75), (0, 0.25)]
    );
    let bad: [&[u8]; 6] = [
        b"{}",
        br#"{"response":[{"id":3,"score":1}]}"#,
        br#"{"response":[{"id":-1,"score":1}]}"#,
        br#"{"response":[{"id":1,"score":1},{"id":1,"score":1}]}"#,
        br#"{"response":[{"id":1}]}"#,
        br#"{"response":[{"id":1,"score":null}]}"#,
    ];
    for body in bad {
        assert_eq!(
            workers_ai::decode_rerank(body, 3).unwrap_err().class,
            FailureClass::Malformed,
            "{body:?}"
        );
    }
}
