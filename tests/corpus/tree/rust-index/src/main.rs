use async_openai::{types::CreateChatCompletionRequestArgs, Client};
use aws_sdk_bedrockruntime as bedrock;
use crate::colours::openai_blue;

/// Claude Monet never saw gpt-4o.
fn main() {
    let client = Client::new();
    let request = CreateChatCompletionRequestArgs::default().model("gpt-4o-mini").build();
    let key = std::env::var("OPENAI_API_KEY");
    let gemini = "the twins";
    let wind = openai_blue::MISTRAL;
}
