"""The package `openai`."""

import base64
import json
import struct

import openai
import pytest
from pydantic import BaseModel

from material import (
    CANAL_SCHEMA,
    CLAUDE,
    DEPTH,
    DEPTH_QUESTION,
    DEPTH_TOOL,
    GEMINI,
    GPT,
    QUESTION,
    TIERS,
    failing,
    picture_url,
    saying,
    sound,
)

MESSAGES = [{"role": "user", "content": QUESTION}]


class Canal(BaseModel):
    name: str
    length_km: float


@pytest.fixture(scope="module")
def client(base_url, key):
    with openai.OpenAI(base_url=base_url, api_key=key, max_retries=0) as client:
        yield client


@pytest.mark.parametrize("model", [GPT, CLAUDE, GEMINI, "gpt-4o", "auto", *TIERS])
def test_chat(client, model):
    answer = client.chat.completions.create(model=model, messages=MESSAGES)
    assert answer.object == "chat.completion"
    assert answer.choices[0].finish_reason == "stop"
    assert "canal" in answer.choices[0].message.content
    usage = answer.usage
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens > 0


@pytest.mark.parametrize("model", [GPT, CLAUDE, GEMINI, *TIERS])
def test_stream(client, model):
    with client.chat.completions.stream(
        model=model, messages=MESSAGES, stream_options={"include_usage": True}
    ) as stream:
        deltas = [event.delta for event in stream if event.type == "content.delta"]
        answer = stream.get_final_completion()
    assert len(deltas) > 1
    assert "".join(deltas) == answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.completion_tokens > 0


@pytest.mark.asyncio
async def test_chat_and_stream_asynchronously(base_url, key):
    async with openai.AsyncOpenAI(base_url=base_url, api_key=key, max_retries=0) as client:
        whole = await client.chat.completions.create(model=GPT, messages=MESSAGES)
        chunks = await client.chat.completions.create(model=GPT, messages=MESSAGES, stream=True)
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in chunks])
    assert text == whole.choices[0].message.content


@pytest.mark.parametrize("model", [GPT, CLAUDE, GEMINI, "agent"])
def test_round_with_tools(client, model):
    question = {"role": "user", "content": DEPTH_QUESTION}
    first = client.chat.completions.create(model=model, messages=[question], tools=[DEPTH_TOOL])
    assert first.choices[0].finish_reason == "tool_calls"
    message = first.choices[0].message
    (call,) = message.tool_calls
    assert call.function.name == "canal_depth"
    assert "canal" in json.loads(call.function.arguments)
    result = {"role": "tool", "tool_call_id": call.id, "content": DEPTH}
    second = client.chat.completions.create(
        model=model, messages=[question, message, result], tools=[DEPTH_TOOL]
    )
    assert "1.5" in second.choices[0].message.content


def test_streamed_tool_calls(client):
    with client.chat.completions.stream(
        model=GPT,
        messages=[{"role": "user", "content": saying("parallel_tools")}],
        tools=[DEPTH_TOOL, {"type": "function", "function": {"name": "canal_width"}}],
    ) as stream:
        message = stream.get_final_completion().choices[0].message
    assert len(message.tool_calls) == 2
    assert len({call.id for call in message.tool_calls}) == 2
    for call in message.tool_calls:
        assert isinstance(json.loads(call.function.arguments), dict)


def test_forced_tool(client):
    choice = {"type": "function", "function": {"name": "canal_depth"}}
    answer = client.chat.completions.create(
        model=GPT,
        messages=[{"role": "user", "content": "Hello."}],
        tools=[DEPTH_TOOL],
        tool_choice=choice,
    )
    assert answer.choices[0].message.tool_calls[0].function.name == "canal_depth"


@pytest.mark.parametrize("model", [GPT, CLAUDE, GEMINI, "medium"])
def test_json_schema(client, model):
    schema = {"name": "canal", "strict": True, "schema": CANAL_SCHEMA}
    answer = client.chat.completions.create(
        model=model,
        messages=MESSAGES,
        response_format={"type": "json_schema", "json_schema": schema},
    )
    Canal.model_validate_json(answer.choices[0].message.content)


def test_parsed_model(client):
    answer = client.chat.completions.parse(model=GPT, messages=MESSAGES, response_format=Canal)
    assert isinstance(answer.choices[0].message.parsed, Canal)


@pytest.mark.parametrize("model", [GPT, CLAUDE, GEMINI, "vision"])
def test_vision(client, model):
    parts = [
        {"type": "text", "text": "What does this picture say?"},
        {"type": "image_url", "image_url": {"url": picture_url()}},
    ]
    answer = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": parts}]
    )
    assert "Lock 7" in answer.choices[0].message.content


def test_parameters(client):
    answer = client.chat.completions.create(
        model=GPT,
        messages=[{"role": "user", "content": saying("logprobs")}],
        n=2,
        logprobs=True,
        top_logprobs=2,
        seed=7,
        temperature=0.2,
        top_p=0.9,
        presence_penalty=0.1,
        frequency_penalty=0.1,
        stop=["\n\n"],
        max_completion_tokens=200,
        user="a-user",
    )
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert answer.choices[0].logprobs.content[0].logprob <= 0


def test_length(client):
    answer = client.chat.completions.create(model=GPT, messages=MESSAGES, max_tokens=1)
    assert answer.choices[0].finish_reason == "length"


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("status", [401, 500, 503])
def test_failing_provider(client, status, streamed):
    messages = [{"role": "user", "content": failing(f"status={status}")}]
    with pytest.raises(openai.InternalServerError) as raised:
        client.chat.completions.create(model=GPT, messages=messages, stream=streamed)
    assert raised.value.status_code == 502
    assert raised.value.request_id
    assert GPT in raised.value.body["message"]


@pytest.mark.parametrize("streamed", [False, True])
def test_rate_limit_of_a_provider(client, streamed):
    messages = [{"role": "user", "content": failing("status=429")}]
    with pytest.raises(openai.RateLimitError) as raised:
        client.chat.completions.create(model=GPT, messages=messages, stream=streamed)
    assert raised.value.code == "upstream_rate_limited"
    assert int(raised.value.response.headers["retry-after"]) > 0


def test_rate_limit(base_url, limited_key):
    client = openai.OpenAI(base_url=base_url, api_key=limited_key, max_retries=0)
    with pytest.raises(openai.RateLimitError) as raised:
        for _ in range(2):
            client.chat.completions.create(model=GPT, messages=MESSAGES)
    assert raised.value.code == "rate_limit_exceeded"
    assert 0 < int(raised.value.response.headers["retry-after"]) <= 60


def test_errors_of_a_request(client, base_url):
    with pytest.raises(openai.NotFoundError) as unknown:
        client.chat.completions.create(model="gpt-99", messages=MESSAGES)
    assert unknown.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as empty:
        client.chat.completions.create(model=GPT, messages=[])
    assert empty.value.param == "messages"
    with pytest.raises(openai.BadRequestError) as hot:
        client.chat.completions.create(model=GPT, messages=MESSAGES, temperature=3)
    assert hot.value.param == "temperature"
    stranger = openai.OpenAI(base_url=base_url, api_key="sk-none", max_retries=0)
    with pytest.raises(openai.AuthenticationError):
        stranger.chat.completions.create(model=GPT, messages=MESSAGES)


def test_cut_stream_is_an_error(client):
    messages = [{"role": "user", "content": failing("cut=2")}]
    with pytest.raises(openai.APIError):
        for _ in client.chat.completions.create(model=GPT, messages=messages, stream=True):
            pass


def test_models(client):
    ids = {model.id for model in client.models.list()}
    assert {"auto", "light", "openai/gpt-4o"} <= ids
    assert client.models.retrieve("light").id == "light"


@pytest.mark.parametrize("model", ["embed", "text-embedding-3-small"])
def test_embeddings(client, model):
    texts = ["A canal in Milan.", "The price of bread.", "Canals of Milan."]
    # The package itself asks for base64 and decodes it unless told otherwise.
    packed = client.embeddings.create(model=model, input=texts)
    plain = client.embeddings.create(model=model, input=texts, encoding_format="float")
    assert [entry.index for entry in packed.data] == [0, 1, 2]
    for left, right in zip(packed.data, plain.data, strict=True):
        assert left.embedding == pytest.approx(right.embedding, abs=1e-6)
    assert packed.usage.prompt_tokens > 0
    encoded = client.embeddings.create(model=model, input=texts[0], encoding_format="base64")
    numbers = base64.b64decode(encoded.data[0].embedding)
    decoded = struct.unpack(f"<{len(numbers) // 4}f", numbers)
    assert list(decoded) == pytest.approx(plain.data[0].embedding, abs=1e-6)


def test_dimensions(client):
    answer = client.embeddings.create(model="text-embedding-3-small", input=QUESTION, dimensions=64)
    assert len(answer.data[0].embedding) == 64


def test_responses(client):
    first = client.responses.create(model=GPT, input=QUESTION, instructions="Be brief.")
    assert first.status == "completed"
    assert first.output_text
    second = client.responses.create(model=GPT, input="Why?", previous_response_id=first.id)
    assert second.previous_response_id == first.id
    assert client.responses.retrieve(first.id).output_text == first.output_text
    client.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(first.id)


def test_responses_stream(client):
    with client.responses.stream(model=GPT, input=QUESTION) as stream:
        events = list(stream)
        answer = stream.get_final_response()
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    assert [event.sequence_number for event in events] == list(range(len(events)))
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == answer.output_text != ""


def test_responses_tools(client):
    tool = {"type": "function", "strict": False, **DEPTH_TOOL["function"]}
    first = client.responses.create(model=GPT, input=DEPTH_QUESTION, tools=[tool])
    (call,) = [item for item in first.output if item.type == "function_call"]
    assert "canal" in json.loads(call.arguments)
    result = {"type": "function_call_output", "call_id": call.call_id, "output": DEPTH}
    second = client.responses.create(
        model=GPT, input=[result], previous_response_id=first.id, tools=[tool]
    )
    assert "1.5" in second.output_text


def test_responses_parsed_model_and_vision(client):
    parsed = client.responses.parse(model=GPT, input=QUESTION, text_format=Canal)
    assert isinstance(parsed.output_parsed, Canal)
    parts = [
        {"type": "input_text", "text": "What does this picture say?"},
        {"type": "input_image", "image_url": picture_url(), "detail": "auto"},
    ]
    seen = client.responses.create(model=GPT, input=[{"role": "user", "content": parts}])
    assert "Lock 7" in seen.output_text


def test_transcription(client):
    answer = client.audio.transcriptions.create(model="speech", file=("a.wav", sound()))
    assert answer.text
    detailed = client.audio.transcriptions.create(
        model="speech", file=("a.wav", sound()), response_format="verbose_json"
    )
    assert float(detailed.duration) == pytest.approx(1.0, abs=0.1)
    subtitles = client.audio.transcriptions.create(
        model="speech", file=("a.wav", sound()), response_format="vtt"
    )
    assert subtitles.startswith("WEBVTT")


def test_speech(client):
    with client.audio.speech.with_streaming_response.create(
        model="tts", voice="alloy", input="The lock opens.", response_format="wav"
    ) as answer:
        spoken = b"".join(answer.iter_bytes())
    assert spoken[:4] == b"RIFF"


def test_images(client):
    answer = client.images.generate(
        model="@cf/black-forest-labs/flux-1-schnell", prompt="A canal.", response_format="b64_json"
    )
    assert base64.b64decode(answer.data[0].b64_json)[:4] in (b"\x89PNG", b"\xff\xd8\xff\xe0")


def test_moderations(client):
    calm, cross = client.moderations.create(
        input=["A calm canal.", "Plan a murder with a knife."]
    ).results
    assert not calm.flagged
    assert cross.flagged
    assert cross.categories.violence
