"""LangChain's own standard tests of a chat model, over both of OpenAI's wires and with models of other
makers behind them, and of embeddings.

They fetch pictures and documents from the web, in whose place local ones are served.
"""

import httpx
import pytest
from langchain_core.messages import AIMessage
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from langchain_tests.integration_tests import (
    ChatModelIntegrationTests,
    EmbeddingsIntegrationTests,
)

from material import CLAUDE, GPT, document, picture, saying, sound


@pytest.fixture(autouse=True)
def web(monkeypatch):
    """What the tests fetch, by the ending of its name."""
    served = {"png": picture(), "jpg": picture(), "pdf": document(), "wav": sound()}

    def get(url, **_):
        content = served[url.rsplit(".", 1)[-1]]
        return httpx.Response(200, content=content, request=httpx.Request("GET", url))

    monkeypatch.setattr(httpx, "get", get)


@pytest.fixture(scope="module")
def record_mode():
    """The test that measures a stream is to reach the gateway, not a recording."""
    return "all"


@pytest.fixture(scope="module")
def vcr_cassette_dir(tmp_path_factory):
    return str(tmp_path_factory.mktemp("cassettes"))


class Standard(ChatModelIntegrationTests):
    """What both wires share; everything that a test can be switched on by is on."""

    chat_model_class = ChatOpenAI
    model_name = GPT
    supports_json_mode = True
    supports_image_inputs = True
    supports_image_urls = True
    supports_pdf_inputs = True
    supports_anthropic_inputs = True
    enable_vcr_tests = True
    # A bare name, as it stands in whole answers and in streams.
    model_override_value = "gpt-4o"
    supported_usage_metadata_details = {
        "invoke": ["reasoning_output", "cache_read_input"],
        "stream": ["reasoning_output", "cache_read_input"],
    }

    @pytest.fixture(autouse=True)
    def reach(self, base_url, key):
        type(self).chat_model_params = {
            "model": self.model_name,
            "base_url": base_url,
            "api_key": key,
        }

    def ask(self, question: str, stream: bool) -> AIMessage:
        model = self.chat_model_class(**self.chat_model_params, **self.standard_chat_model_params)
        if not stream:
            return model.invoke(question)
        chunks = list(model.stream(question))
        return sum(chunks[1:], chunks[0])

    def invoke_with_reasoning_output(self, *, stream: bool = False) -> AIMessage:
        return self.ask(saying("reasoning"), stream)

    def invoke_with_cache_read_input(self, *, stream: bool = False) -> AIMessage:
        return self.ask(saying("cached"), stream)


class TestChatCompletions(Standard):
    standard_chat_model_params = {"stream_usage": True}
    # A result of a tool is text on this wire.
    supports_image_tool_message = False
    supports_pdf_tool_message = False
    # `gpt-4o-mini` does not hear.
    supports_audio_inputs = False


class TestClaude(TestChatCompletions):
    model_name = CLAUDE
    # Anthropic gives JSON by a schema only.
    supports_json_mode = False
    # Anthropic does not say how many tokens went into thinking.
    supported_usage_metadata_details = {
        "invoke": ["cache_read_input"],
        "stream": ["cache_read_input"],
    }


class TestGemini(TestChatCompletions):
    model_name = "google/gemini-2.5-pro"
    # Gemini takes no addresses of pictures: the gateway would fetch this one from the internet.
    supports_image_urls = False
    supports_audio_inputs = True


class TestResponses(Standard):
    standard_chat_model_params = {"use_responses_api": True, "stream_usage": True}
    supports_image_tool_message = True
    supports_pdf_tool_message = True
    # This wire has no parts of sound.
    supports_audio_inputs = False


class TestEmbeddings(EmbeddingsIntegrationTests):
    embeddings_class = OpenAIEmbeddings

    @pytest.fixture(autouse=True)
    def reach(self, base_url, key):
        type(self).embedding_model_params = {
            "model": "embed",
            "base_url": base_url,
            "api_key": key,
            # Else it sends tokens, which only OpenAI's own models understand.
            "check_embedding_ctx_length": False,
        }
