/// (messages, path, part of the message)
pub(super) const MESSAGES: &[(&str, &str, &str)] = &[
    (r#"["Hi"]"#, "messages[0]", "must be an object"),
    (r#"[{"content":"Hi"}]"#, "messages[0].role", "is required"),
    (
        r#"[{"role":"system","content":"Hi"}]"#,
        "messages[0].role",
        "instructions go into `system`",
    ),
    (
        r#"[{"role":7,"content":"Hi"}]"#,
        "messages[0].role",
        "must be a string",
    ),
    (r#"[{"role":"user"}]"#, "messages[0].content", "is required"),
    (
        r#"[{"role":"user","content":null}]"#,
        "messages[0].content",
        "is required",
    ),
    (
        r#"[{"role":"user","content":7}]"#,
        "messages[0].content",
        "a string or an array of blocks, not a number",
    ),
    (
        r#"[{"role":"user","content":[]}]"#,
        "messages[0].content",
        "at least one block",
    ),
    (
        r#"[{"role":"user","content":"a\u0000b"}]"#,
        "messages[0].content",
        "NUL",
    ),
    (
        r#"[{"role":"user","content":"\ud83d"}]"#,
        "messages[0].content",
        "surrogate",
    ),
    (
        r#"[{"role":"user","content":["Hi"]}]"#,
        "messages[0].content[0]",
        "must be an object",
    ),
    (
        r#"[{"role":"user","content":[{"text":"Hi"}]}]"#,
        "messages[0].content[0].type",
        "is required",
    ),
    (
        r#"[{"role":"user","content":[{"type":"video"}]}]"#,
        "messages[0].content[0].type",
        "can stand here",
    ),
    (
        r#"[{"role":"user","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]}]"#,
        "messages[0].content[0].type",
        "can stand here",
    ),
    (
        r#"[{"role":"assistant","content":[{"type":"image","source":{}}]}]"#,
        "messages[0].content[0].type",
        "can stand here",
    ),
    (
        r#"[{"role":"user","content":[{"type":"text"}]}]"#,
        "messages[0].content[0].text",
        "is required",
    ),
    (
        r#"[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral","ttl":"1d"}}]}]"#,
        "messages[0].content[0].cache_control.ttl",
        "must be \"5m\" or \"1h\"",
    ),
    (
        r#"[{"role":"user","content":[{"type":"text","text":"a","citations":{}}]}]"#,
        "messages[0].content[0].citations",
        "must be an array",
    ),
    (
        r#"[{"role":"user","content":[{"type":"text","text":"a","citations":[{}]}]}]"#,
        "messages[0].content[0].citations[0].type",
        "is required",
    ),
    (
        r#"[{"role":"user","content":[{"type":"image"}]}]"#,
        "messages[0].content[0].source",
        "is required",
    ),
    (
        r#"[{"role":"user","content":[{"type":"image","source":{"type":"data"}}]}]"#,
        "messages[0].content[0].source.type",
        "must be \"base64\", \"url\" or \"file\"",
    ),
    (
        r#"[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/tiff","data":"AAAA"}}]}]"#,
        "messages[0].content[0].source.media_type",
        "must be one of image/jpeg",
    ),
    (
        r#"[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"A*AA"}}]}]"#,
        "messages[0].content[0].source.data",
        "not valid base64",
    ),
    (
        r#"[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"data:image/png;base64,AAAA"}}]}]"#,
        "messages[0].content[0].source.data",
        "not valid base64",
    ),
    (
        r#"[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":""}}]}]"#,
        "messages[0].content[0].source.data",
        "must not be empty",
    ),
    (
        r#"[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"file:///etc/passwd"}}]}]"#,
        "messages[0].content[0].source.url",
        "https URL",
    ),
    (
        r#"[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"data:image/png,AAAA"}}]}]"#,
        "messages[0].content[0].source.url",
        "malformed data URL",
    ),
    (
        r#"[{"role":"user","content":[{"type":"image","source":{"type":"url"}}]}]"#,
        "messages[0].content[0].source.url",
        "is required",
    ),
    (
        r#"[{"role":"user","content":[{"type":"image","source":{"type":"file","file_id":""}}]}]"#,
        "messages[0].content[0].source.file_id",
        "must not be empty",
    ),
    (
        r#"[{"role":"user","content":[{"type":"document","source":{"type":"base64","media_type":"text/html","data":"AAAA"}}]}]"#,
        "messages[0].content[0].source.media_type",
        "application/pdf",
    ),
    (
        r#"[{"role":"user","content":[{"type":"document","source":{"type":"text","media_type":"text/html","data":"a"}}]}]"#,
        "messages[0].content[0].source.media_type",
        "\"text/plain\"",
    ),
    (
        r#"[{"role":"user","content":[{"type":"document","source":{"type":"text","media_type":"text/plain","data":"a"},"citations":{"enabled":1}}]}]"#,
        "messages[0].content[0].citations.enabled",
        "true or false",
    ),
    (
        r#"[{"role":"assistant","content":[{"type":"thinking","signature":"a"}]}]"#,
        "messages[0].content[0].thinking",
        "is required",
    ),
    (
        r#"[{"role":"assistant","content":[{"type":"redacted_thinking"}]}]"#,
        "messages[0].content[0].data",
        "is required",
    ),
    (
        r#"[{"role":"assistant","content":[{"type":"tool_use","name":"f","input":{}}]}]"#,
        "messages[0].content[0].id",
        "is required",
    ),
    (
        r#"[{"role":"assistant","content":[{"type":"tool_use","id":"a","input":{}}]}]"#,
        "messages[0].content[0].name",
        "is required",
    ),
    (
        r#"[{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f"}]}]"#,
        "messages[0].content[0].input",
        "is required",
    ),
    (
        r#"[{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":"{}"}]}]"#,
        "messages[0].content[0].input",
        "must be an object",
    ),
    (
        r#"[{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}},{"type":"tool_use","id":"a","name":"f","input":{}}]}]"#,
        "messages[0].content[1].id",
        "id of another call",
    ),
    (
        r#"[{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]}]"#,
        "messages",
        "leaves the tool call \"a\" without a result",
    ),
    (
        r#"[{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]},{"role":"user","content":"Hi"}]"#,
        "messages[1]",
        "leaves the tool call \"a\" without a result",
    ),
    (
        r#"[{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"1"}]}]"#,
        "messages[0].content[0].tool_use_id",
        "names no tool call",
    ),
    (
        r#"[{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]},{"role":"user","content":[{"type":"text","text":"a"},{"type":"tool_result","tool_use_id":"b"}]}]"#,
        "messages[1].content[1].tool_use_id",
        "names no tool call",
    ),
    (
        r#"[{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a"},{"type":"tool_result","tool_use_id":"a"}]}]"#,
        "messages[1].content[1].tool_use_id",
        "has its result already",
    ),
    (
        r#"[{"role":"user","content":[{"type":"tool_result","content":"1"}]}]"#,
        "messages[0].content[0].tool_use_id",
        "is required",
    ),
    (
        r#"[{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","is_error":"no"}]}]"#,
        "messages[0].content[0].is_error",
        "true or false",
    ),
    (
        r#"[{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":[{"type":"tool_result"}]}]}]"#,
        "messages[0].content[0].content[0].type",
        "can stand here",
    ),
];
