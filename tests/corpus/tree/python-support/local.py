from openai import OpenAI

ours = OpenAI(base_url="http://localhost:11434/v1", api_key="none")
print(ours.chat.completions.create(model="llama3.1:8b", messages=[]))
