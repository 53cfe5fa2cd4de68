from transformers import AutoModelForCausalLM, AutoTokenizer
from sentence_transformers import CrossEncoder
from huggingface_hub import hf_hub_download
import tiktoken

tokens = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-7B-Instruct")
ours = AutoModelForCausalLM.from_pretrained("./models/ours", local_files_only=True)
rerank = CrossEncoder("BAAI/bge-reranker-v2-m3")
path = hf_hub_download(repo_id="TheBloke/Llama-2-7B-GGUF", filename="q4.gguf")
encoding = tiktoken.get_encoding("cl100k_base")
partition_table = "gpt"
disk_label = "gpt-partition"
