from pinecone import Pinecone
from langsmith import traceable
import weave_fabric

index = Pinecone(api_key="k").Index("tickets")
