"""LlamaIndex: `OpenAILike`, `OpenAI`, `OpenAILikeEmbedding` and `OpenAIEmbedding`."""

import pytest
from llama_index.core.base.llms.types import (
    ChatMessage,
    ImageBlock,
    MessageRole,
    TextBlock,
)
from llama_index.core.tools import FunctionTool
from llama_index.embeddings.openai import OpenAIEmbedding
from llama_index.embeddings.openai_like import OpenAILikeEmbedding
from llama_index.llms.openai import OpenAI, OpenAIResponses
from llama_index.llms.openai_like import OpenAILike
from openai import InternalServerError, NotFoundError, RateLimitError
from pydantic import BaseModel

from material import DEPTH, DEPTH_QUESTION, GPT, QUESTION, TIERS, failing, picture


class Canal(BaseModel):
    """A canal."""

    name: str
    length_km: float


def canal_depth(canal: str) -> str:
    """The depth of a canal in metres."""
    return DEPTH.replace("Naviglio", canal)


TOOL = FunctionTool.from_defaults(canal_depth)
USER = [ChatMessage(role=MessageRole.USER, content=QUESTION)]


@pytest.fixture(scope="module")
def llm(base_url, key):
    def llm(model=GPT, api_key=key):
        return OpenAILike(
            model=model,
            api_base=base_url,
            api_key=api_key,
            is_chat_model=True,
            is_function_calling_model=True,
            should_use_structured_outputs=True,
            context_window=128_000,
            max_retries=0,
        )

    return llm


@pytest.mark.parametrize("model", [GPT, "auto", *TIERS])
def test_chat(llm, model):
    answer = llm(model).chat(USER)
    assert answer.message.role == MessageRole.ASSISTANT
    assert "canal" in answer.message.content


def test_complete(llm):
    assert "canal" in llm().complete(QUESTION).text


@pytest.mark.parametrize("model", [GPT, "light"])
def test_stream(llm, model):
    answers = list(llm(model).stream_chat(USER))
    assert len(answers) > 1
    assert "".join(answer.delta or "" for answer in answers) == answers[-1].message.content


@pytest.mark.asyncio
async def test_chat_asynchronously(llm):
    answer = await llm().achat(USER)
    assert "canal" in answer.message.content


@pytest.mark.parametrize("model", [GPT, "agent"])
def test_tools(llm, model):
    model = llm(model)
    answer = model.chat_with_tools([TOOL], user_msg=DEPTH_QUESTION)
    (call,) = model.get_tool_calls_from_response(answer)
    assert call.tool_name == "canal_depth"
    assert "canal" in call.tool_kwargs
    result = ChatMessage(
        role=MessageRole.TOOL,
        content=canal_depth(**call.tool_kwargs),
        additional_kwargs={"tool_call_id": call.tool_id},
    )
    question = ChatMessage(role=MessageRole.USER, content=DEPTH_QUESTION)
    final = model.chat_with_tools([TOOL], chat_history=[question, answer.message, result])
    assert "1.5" in final.message.content


def test_predict_and_call(llm):
    """LlamaIndex runs the tool itself."""
    assert "1.5" in str(llm().predict_and_call([TOOL], user_msg=DEPTH_QUESTION))


def test_structured_output(llm):
    answer = llm().as_structured_llm(Canal).chat(USER)
    assert isinstance(answer.raw, Canal)


def test_vision(llm):
    blocks = [
        TextBlock(text="What does this picture say?"),
        ImageBlock(image=picture(), image_mimetype="image/png"),
    ]
    answer = llm().chat([ChatMessage(role=MessageRole.USER, blocks=blocks)])
    assert "Lock 7" in answer.message.content


@pytest.mark.parametrize("kind", [OpenAI, OpenAIResponses])
def test_models_that_it_knows_by_name(base_url, key, kind):
    llm = kind(model="gpt-4o-mini", api_base=base_url, api_key=key, max_retries=0)
    assert "canal" in llm.chat(USER).message.content
    assert "canal" in list(llm.stream_chat(USER))[-1].message.content


def test_errors(llm, limited_key):
    with pytest.raises(InternalServerError):
        llm().complete(failing("status=500"))
    with pytest.raises(NotFoundError):
        llm("gpt-99").complete(QUESTION)
    with pytest.raises(RateLimitError):
        for _ in range(2):
            llm(api_key=limited_key).complete(QUESTION)


def test_embeddings(base_url, key):
    tier = OpenAILikeEmbedding(model_name="embed", api_base=base_url, api_key=key)
    known = OpenAIEmbedding(model="text-embedding-3-small", api_base=base_url, api_key=key)
    for embedding, length in [(tier, 1024), (known, 1536)]:
        query = embedding.get_query_embedding("Canals in Milan.")
        near, far = embedding.get_text_embedding_batch(
            ["The canals of Milan.", "The price of bread."]
        )
        assert len(query) == length
        assert embedding.similarity(query, near) > embedding.similarity(query, far)
