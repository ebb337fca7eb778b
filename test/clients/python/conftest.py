"""What every test has: the gateway's address and key, and clients that look for nothing outside."""

import os
import pathlib
from importlib.util import find_spec

import pytest

# Read when the packages are imported, which is why this stands before everything else. LiteLLM
# brings the encodings that tiktoken would fetch, and a list of models that it would fetch itself.
_litellm = pathlib.Path(find_spec("litellm").submodule_search_locations[0])
os.environ["TIKTOKEN_CACHE_DIR"] = str(_litellm / "litellm_core_utils" / "tokenizers")
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["LANGSMITH_TRACING"] = "false"
os.environ["LANGCHAIN_TESTS_USER_AGENT"] = "nothing is fetched"
# A key or an address of the machine must not stand in for those of the test.
for name in list(os.environ):
    if name.startswith(("OPENAI_", "ANTHROPIC_")):
        del os.environ[name]


@pytest.fixture(scope="session")
def origin() -> str:
    """The gateway's address, without a slash at the end."""
    return os.environ["ESCLUSA_URL"]


@pytest.fixture(scope="session")
def base_url(origin: str) -> str:
    """Where OpenAI's wire begins."""
    return f"{origin}/v1"


@pytest.fixture(scope="session")
def key() -> str:
    """A key that no limit stops."""
    return os.environ["ESCLUSA_KEY"]


@pytest.fixture(scope="session")
def limited_key() -> str:
    """A key that may ask once a minute."""
    return os.environ["ESCLUSA_LIMITED_KEY"]
