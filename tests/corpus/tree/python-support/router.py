from openai import OpenAI

GROQ = "https://api.groq.com/openai/v1"
fast = OpenAI(base_url=GROQ, api_key="x")
fast.chat.completions.create(model="llama-3.3-70b-versatile", messages=[])
deep = OpenAI(base_url="https://api.deepseek.com", api_key="x")
deep.chat.completions.create(model="deepseek-chat", messages=[])
stranger = OpenAI(base_url="https://llm.example-vendor.io/v1", api_key="x")
