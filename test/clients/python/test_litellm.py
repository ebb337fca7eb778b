"""LiteLLM as a client: its prefix `openai/` speaks OpenAI's wire, `anthropic/` Anthropic's."""

import json

import litellm
import pytest
from pydantic import BaseModel

from material import (
    DEPTH,
    DEPTH_QUESTION,
    DEPTH_TOOL,
    GPT,
    QUESTION,
    failing,
    picture_url,
)

MESSAGES = [{"role": "user", "content": QUESTION}]


class Canal(BaseModel):
    name: str
    length_km: float


@pytest.fixture(params=["openai", "openai_tier", "anthropic", "anthropic_tier"])
def target(request, origin, key):
    """What every call says: the wire with the model behind it, the address and the key."""
    model, base = {
        "openai": (f"openai/{GPT}", f"{origin}/v1"),
        "openai_tier": ("openai/agent", f"{origin}/v1"),
        "anthropic": ("anthropic/claude-sonnet-4-5", origin),
        "anthropic_tier": ("anthropic/agent", origin),
    }[request.param]
    return {"model": model, "api_base": base, "api_key": key, "num_retries": 0, "max_tokens": 500}


def test_completion(target):
    answer = litellm.completion(messages=MESSAGES, **target)
    assert answer.choices[0].finish_reason == "stop"
    assert "canal" in answer.choices[0].message.content
    assert answer.usage.total_tokens > 0


def test_stream(target):
    chunks = litellm.completion(
        messages=MESSAGES, stream=True, stream_options={"include_usage": True}, **target
    )
    answer = litellm.stream_chunk_builder(list(chunks))
    assert "canal" in answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.completion_tokens > 0


@pytest.mark.asyncio
async def test_completion_asynchronously(target):
    answer = await litellm.acompletion(messages=MESSAGES, **target)
    assert "canal" in answer.choices[0].message.content


def test_round_with_tools(target):
    question = {"role": "user", "content": DEPTH_QUESTION}
    first = litellm.completion(messages=[question], tools=[DEPTH_TOOL], **target)
    assert first.choices[0].finish_reason == "tool_calls"
    message = first.choices[0].message
    (call,) = message.tool_calls
    assert call.function.name == "canal_depth"
    assert "canal" in json.loads(call.function.arguments)
    result = {"role": "tool", "tool_call_id": call.id, "content": DEPTH}
    second = litellm.completion(
        messages=[question, message.model_dump(), result], tools=[DEPTH_TOOL], **target
    )
    assert "1.5" in second.choices[0].message.content


def test_json_schema(target):
    answer = litellm.completion(messages=MESSAGES, response_format=Canal, **target)
    Canal.model_validate_json(answer.choices[0].message.content)


def test_vision(target):
    parts = [
        {"type": "text", "text": "What does this picture say?"},
        {"type": "image_url", "image_url": {"url": picture_url()}},
    ]
    answer = litellm.completion(messages=[{"role": "user", "content": parts}], **target)
    assert "Lock 7" in answer.choices[0].message.content


def test_failing_provider(target):
    messages = [{"role": "user", "content": failing("status=500")}]
    with pytest.raises(litellm.BadGatewayError):
        litellm.completion(messages=messages, **target)


def test_rate_limit(target, limited_key):
    limited = target | {"api_key": limited_key}
    with pytest.raises(litellm.RateLimitError):
        for _ in range(2):
            litellm.completion(messages=MESSAGES, **limited)


def test_errors_of_a_request(target):
    with pytest.raises(litellm.AuthenticationError):
        litellm.completion(messages=MESSAGES, **target | {"api_key": "sk-none"})
    wire = target["model"].split("/")[0]
    with pytest.raises(litellm.NotFoundError):
        litellm.completion(messages=MESSAGES, **target | {"model": f"{wire}/nobody-9"})


@pytest.mark.parametrize("model", ["embed", "text-embedding-3-small"])
def test_embeddings(base_url, key, model):
    answer = litellm.embedding(
        model=f"openai/{model}",
        input=["A canal in Milan.", "The price of bread."],
        api_base=base_url,
        api_key=key,
        encoding_format="float",
    )
    assert [entry["index"] for entry in answer.data] == [0, 1]
    assert answer.usage.prompt_tokens > 0
