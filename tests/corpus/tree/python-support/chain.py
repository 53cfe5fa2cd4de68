from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from langchain_anthropic import ChatAnthropic
from langchain_community.llms import Ollama
from langchain_core.prompts import ChatPromptTemplate
import litellm

model = ChatOpenAI(model="gpt-4.1", temperature=0)
other = ChatAnthropic(model_name="claude-3-5-haiku-latest")
vectors = OpenAIEmbeddings(model="text-embedding-3-small")
said = litellm.completion(model="azure/gpt-4o-eu", messages=[])
more = litellm.completion(model="bedrock/anthropic.claude-3-haiku-20240307-v1:0", messages=[])
