"""LangChain's `ChatOpenAI` and `OpenAIEmbeddings` (package `langchain-openai`)."""

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from openai import InternalServerError, NotFoundError, RateLimitError
from pydantic import BaseModel

from material import (
    CANAL_SCHEMA,
    DEPTH,
    DEPTH_QUESTION,
    DEPTH_TOOL,
    GPT,
    QUESTION,
    TIERS,
    failing,
    picture_base64,
)


class Canal(BaseModel):
    """A canal."""

    name: str
    length_km: float


@pytest.fixture(scope="module")
def chat(base_url, key):
    def chat(model=GPT, **options):
        return ChatOpenAI(base_url=base_url, api_key=key, model=model, max_retries=0, **options)

    return chat


@pytest.mark.parametrize("model", [GPT, "auto", *TIERS])
def test_invoke(chat, model):
    answer = chat(model).invoke([SystemMessage("Be brief."), HumanMessage(QUESTION)])
    assert isinstance(answer, AIMessage)
    assert "canal" in answer.text
    assert answer.usage_metadata["total_tokens"] > 0


@pytest.mark.parametrize("responses", [False, True])
def test_stream(chat, responses):
    chunks = list(chat(stream_usage=True, use_responses_api=responses).stream(QUESTION))
    whole = sum(chunks[1:], chunks[0])
    assert len(chunks) > 2
    assert "canal" in whole.text
    assert whole.usage_metadata["output_tokens"] > 0


@pytest.mark.parametrize("responses", [False, True])
@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
def test_structured_output(chat, method, responses):
    model = chat(use_responses_api=responses)
    schema = CANAL_SCHEMA | {"title": "Canal", "description": "A canal."}
    wanted = schema if method == "json_mode" else Canal
    answer = model.with_structured_output(wanted, method=method).invoke(f"{QUESTION} As JSON.")
    assert isinstance(answer, dict if method == "json_mode" else Canal)


@pytest.mark.parametrize("responses", [False, True])
@pytest.mark.parametrize("model", [GPT, "agent"])
def test_bind_tools(chat, model, responses):
    bound = chat(model, use_responses_api=responses).bind_tools([DEPTH_TOOL])
    question = HumanMessage(DEPTH_QUESTION)
    first = bound.invoke([question])
    (call,) = first.tool_calls
    assert call["name"] == "canal_depth"
    assert "canal" in call["args"]
    second = bound.invoke([question, first, ToolMessage(DEPTH, tool_call_id=call["id"])])
    assert "1.5" in second.text


def test_vision(chat):
    content = [
        {"type": "text", "text": "What does this picture say?"},
        {"type": "image", "base64": picture_base64(), "mime_type": "image/png"},
    ]
    assert "Lock 7" in chat().invoke([HumanMessage(content)]).text


def test_batch(chat):
    answers = chat().batch([QUESTION, DEPTH_QUESTION, "Where does the Naviglio end?"])
    assert [bool(answer.text) for answer in answers] == [True, True, True]


def test_errors(chat, base_url, limited_key):
    with pytest.raises(InternalServerError):
        chat().invoke(failing("status=500"))
    with pytest.raises(NotFoundError):
        chat("gpt-99").invoke(QUESTION)
    limited = ChatOpenAI(base_url=base_url, api_key=limited_key, model=GPT, max_retries=0)
    with pytest.raises(RateLimitError):
        for _ in range(2):
            limited.invoke(QUESTION)


@pytest.mark.parametrize("model", ["embed", "text-embedding-3-small"])
def test_embeddings(base_url, key, model):
    # Without this LangChain sends tokens, which only OpenAI's own models understand.
    embeddings = OpenAIEmbeddings(
        base_url=base_url, api_key=key, model=model, check_embedding_ctx_length=False
    )
    near, far, query = embeddings.embed_documents(
        ["The canals of Milan.", "The price of bread.", "Canals in Milan."]
    )
    assert _product(query, near) > _product(query, far)


def test_embeddings_of_tokens(base_url, key):
    embeddings = OpenAIEmbeddings(base_url=base_url, api_key=key, model="text-embedding-3-small")
    assert len(embeddings.embed_query(QUESTION)) == 1536


def _product(left, right):
    return sum(one * other for one, other in zip(left, right, strict=True))
