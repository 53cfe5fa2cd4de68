resource "aws_bedrock_model_invocation_logging_configuration" "log" {
}

resource "aws_s3_bucket" "claude_monet" {
  bucket = "gemini-paintings"
}

resource "azurerm_cognitive_account" "ai" {
  kind = "OpenAI"
}

resource "azurerm_cognitive_deployment" "chat" {
  model {
    name = "gpt-4o"
  }
}

resource "google_vertex_ai_endpoint" "predict" {
}

resource "minecraft_bedrock_server" "fun" {
}

# resource "google_vertex_ai_index" "old" {}
data "aws_iam_policy_document" "call" {
  statement {
    actions = ["bedrock:InvokeModel"]
  }
}
