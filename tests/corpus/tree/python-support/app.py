"""Answers tickets. It once used gpt-4o; see https://api.openai.com/v1 for the documentation."""
import os
import openai
from anthropic import Anthropic, AsyncAnthropic
from mistralai import Mistral as Wind
import google.generativeai as genai
from mycompany.colours import openai_blue

# Claude Monet painted this; claude-3-opus would not have.
openai_blue_hex = "#10a37f"
gemini = "21 May to 20 June"
mistral = {"from": "north-west", "knots": 40}
sign_of_the_zodiac = ["aries", "taurus", "gemini"]

client = openai.OpenAI(api_key=os.environ["OPENAI_API_KEY"])
claude = Anthropic()
wind = Wind(api_key=os.getenv("MISTRAL_API_KEY"))
genai.configure(api_key=os.environ["GEMINI_API_KEY"])


def answer(ticket: str) -> str:
    reply = client.chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "user", "content": ticket}],
    )
    return reply.choices[0].message.content


def summary(text: str) -> str:
    return claude.messages.create(model="claude-sonnet-4-5-20250929", max_tokens=99, messages=[]).content[0].text


def translate(text: str) -> str:
    return wind.chat.complete(model="mistral-large-latest", messages=[]).choices[0].message.content


def picture() -> bytes:
    return genai.GenerativeModel("gemini-1.5-pro").generate_content("a gemini in the sky")


def they_cohere(parts: list[str]) -> bool:
    """Whether the parts cohere."""
    return len(set(parts)) == 1


def wind_force(mistral: int) -> str:
    return f"the mistral blows with {mistral} knots"
