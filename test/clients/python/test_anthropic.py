"""The package `anthropic`."""

import anthropic
import pytest
from pydantic import BaseModel

from material import (
    CLAUDE,
    DEPTH,
    DEPTH_PARAMETERS,
    DEPTH_QUESTION,
    GPT,
    QUESTION,
    failing,
    picture_base64,
    saying,
)

MESSAGES = [{"role": "user", "content": QUESTION}]
TOOL = {
    "name": "canal_depth",
    "description": "The depth of a canal in metres",
    "input_schema": DEPTH_PARAMETERS,
}
# Anthropic's own model, another provider's and Workers AI's behind Anthropic's wire.
MODELS = [CLAUDE, "claude-sonnet-4-5", GPT, "heavy"]


class Canal(BaseModel):
    name: str
    length_km: float


@pytest.fixture(scope="module")
def client(origin, key):
    with anthropic.Anthropic(base_url=origin, api_key=key, max_retries=0) as client:
        yield client


def text_of(message):
    return "".join(block.text for block in message.content if block.type == "text")


@pytest.mark.parametrize("model", MODELS)
def test_message(client, model):
    answer = client.messages.create(model=model, max_tokens=300, messages=MESSAGES)
    assert answer.type == "message"
    assert answer.role == "assistant"
    assert answer.stop_reason == "end_turn"
    assert "canal" in text_of(answer)
    assert answer.usage.input_tokens > 0
    assert answer.usage.output_tokens > 0


@pytest.mark.parametrize("model", MODELS)
def test_stream(client, model):
    with client.messages.stream(model=model, max_tokens=300, messages=MESSAGES) as stream:
        deltas = list(stream.text_stream)
        answer = stream.get_final_message()
    assert len(deltas) > 1
    assert "".join(deltas) == text_of(answer)
    assert answer.stop_reason == "end_turn"
    assert answer.usage.output_tokens > 0


@pytest.mark.asyncio
async def test_message_asynchronously(origin, key):
    async with anthropic.AsyncAnthropic(base_url=origin, api_key=key, max_retries=0) as client:
        whole = await client.messages.create(model=CLAUDE, max_tokens=300, messages=MESSAGES)
        async with client.messages.stream(
            model=CLAUDE, max_tokens=300, messages=MESSAGES
        ) as stream:
            streamed = await stream.get_final_message()
    assert text_of(streamed) == text_of(whole)


@pytest.mark.parametrize("model", [CLAUDE, GPT])
@pytest.mark.parametrize("thinking", [False, True])
def test_round_with_tools(client, model, thinking):
    """Thinking is sent back as it came; Anthropic refuses a signature that was changed."""
    options = {"thinking": {"type": "enabled", "budget_tokens": 1024}} if thinking else {}
    question = {"role": "user", "content": DEPTH_QUESTION}
    first = client.messages.create(
        model=model, max_tokens=2000, messages=[question], tools=[TOOL], **options
    )
    assert first.stop_reason == "tool_use"
    (call,) = [block for block in first.content if block.type == "tool_use"]
    assert "canal" in call.input
    result = {"type": "tool_result", "tool_use_id": call.id, "content": DEPTH}
    turns = [
        question,
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": [result]},
    ]
    second = client.messages.create(
        model=model, max_tokens=2000, messages=turns, tools=[TOOL], **options
    )
    assert second.stop_reason == "end_turn"
    assert "1.5" in text_of(second)


def test_thinking(client):
    with client.messages.stream(
        model=CLAUDE,
        max_tokens=2000,
        messages=MESSAGES,
        thinking={"type": "enabled", "budget_tokens": 1024},
    ) as stream:
        answer = stream.get_final_message()
    assert [block.type for block in answer.content] == ["thinking", "text"]
    assert answer.content[0].thinking
    assert answer.content[0].signature


def test_streamed_tool_calls(client):
    with client.messages.stream(
        model=CLAUDE,
        max_tokens=500,
        messages=[{"role": "user", "content": saying("parallel_tools")}],
        tools=[TOOL, {"name": "canal_width", "input_schema": {"type": "object"}}],
    ) as stream:
        answer = stream.get_final_message()
    calls = [block for block in answer.content if block.type == "tool_use"]
    assert len({call.id for call in calls}) == 2
    assert all(isinstance(call.input, dict) for call in calls)


def test_parsed_model(client):
    answer = client.messages.parse(
        model=CLAUDE, max_tokens=500, messages=MESSAGES, output_format=Canal
    )
    assert isinstance(answer.parsed_output, Canal)


@pytest.mark.parametrize("model", [CLAUDE, GPT, "vision"])
def test_vision(client, model):
    source = {"type": "base64", "media_type": "image/png", "data": picture_base64()}
    content = [
        {"type": "image", "source": source},
        {"type": "text", "text": "What does this picture say?"},
    ]
    answer = client.messages.create(
        model=model, max_tokens=300, messages=[{"role": "user", "content": content}]
    )
    assert "Lock 7" in text_of(answer)


def test_prompt_cache(client):
    text = "Locks lift boats. " * 600
    system = [{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}]
    usages = [
        client.messages.create(model=CLAUDE, max_tokens=100, system=system, messages=MESSAGES).usage
        for _ in range(2)
    ]
    assert usages[0].cache_creation_input_tokens > 0
    assert usages[1].cache_read_input_tokens == usages[0].cache_creation_input_tokens


def test_count_tokens(client):
    short = client.messages.count_tokens(model=CLAUDE, messages=MESSAGES)
    long = client.messages.count_tokens(model=CLAUDE, messages=MESSAGES, system="Be brief. " * 50)
    assert 0 < short.input_tokens < long.input_tokens


def test_stop_sequence(client):
    answer = client.messages.create(
        model=CLAUDE, max_tokens=100, messages=MESSAGES, stop_sequences=["Milan"]
    )
    assert answer.stop_reason == "stop_sequence"
    assert answer.stop_sequence == "Milan"


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("status", [401, 500, 529])
def test_failing_provider(client, status, streamed):
    messages = [{"role": "user", "content": failing(f"status={status}")}]
    with pytest.raises(anthropic.APIStatusError) as raised:
        client.messages.create(model=CLAUDE, max_tokens=100, messages=messages, stream=streamed)
    assert raised.value.status_code == 502
    assert raised.value.body["type"] == "error"
    assert raised.value.body["error"]["type"] == "api_error"
    assert CLAUDE in raised.value.body["error"]["message"]


@pytest.mark.parametrize("streamed", [False, True])
def test_rate_limit_of_a_provider(client, streamed):
    messages = [{"role": "user", "content": failing("status=429")}]
    with pytest.raises(anthropic.RateLimitError) as raised:
        client.messages.create(model=CLAUDE, max_tokens=100, messages=messages, stream=streamed)
    assert raised.value.body["error"]["type"] == "rate_limit_error"


def test_rate_limit(origin, limited_key):
    client = anthropic.Anthropic(base_url=origin, api_key=limited_key, max_retries=0)
    with pytest.raises(anthropic.RateLimitError) as raised:
        for _ in range(2):
            client.messages.create(model=CLAUDE, max_tokens=100, messages=MESSAGES)
    assert raised.value.body["error"]["type"] == "rate_limit_error"
    # A minute, and the rest of the second in which it began.
    assert 0 < int(raised.value.response.headers["retry-after"]) <= 61


def test_errors_of_a_request(client, origin):
    def create(by=client, **changes):
        request = {"model": CLAUDE, "max_tokens": 100, "messages": MESSAGES, **changes}
        return by.messages.create(**request)

    with pytest.raises(anthropic.NotFoundError) as unknown:
        create(model="claude-99")
    assert unknown.value.body["error"]["type"] == "not_found_error"
    with pytest.raises(anthropic.BadRequestError) as empty:
        create(messages=[])
    assert empty.value.body["error"]["type"] == "invalid_request_error"
    assert "messages" in empty.value.body["error"]["message"]
    with pytest.raises(anthropic.BadRequestError):
        create(max_tokens=0)
    stranger = anthropic.Anthropic(base_url=origin, api_key="sk-ant-none", max_retries=0)
    with pytest.raises(anthropic.AuthenticationError) as refused:
        create(stranger)
    assert refused.value.body["error"]["type"] == "authentication_error"


def test_cut_stream_is_an_error(client):
    messages = [{"role": "user", "content": failing("cut=4")}]
    with pytest.raises(anthropic.APIError):
        with client.messages.stream(model=CLAUDE, max_tokens=300, messages=messages) as stream:
            stream.until_done()


def test_key_as_bearer_token(origin, key):
    with anthropic.Anthropic(base_url=origin, auth_token=key, max_retries=0) as client:
        answer = client.messages.create(model=CLAUDE, max_tokens=300, messages=MESSAGES)
    assert "canal" in text_of(answer)
