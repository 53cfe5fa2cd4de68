import boto3
from vertexai.generative_models import GenerativeModel

runtime = boto3.client("bedrock-runtime", region_name="eu-central-1")
store = boto3.client("s3")
reply = runtime.invoke_model(modelId="anthropic.claude-3-sonnet-20240229-v1:0", body="{}")
vertex = GenerativeModel("gemini-2.0-flash")
