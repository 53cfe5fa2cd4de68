package main

import (
	"context"
	"os"

	anthropic "github.com/anthropics/anthropic-sdk-go"
	openai "github.com/sashabaranov/go-openai"
	"example.org/gateway/colours/openai_blue"
)

// gemini is a sign; gpt-4o is not mentioned by anybody.
const gemini = "twins"

func main() {
	client := openai.NewClient(os.Getenv("OPENAI_API_KEY"))
	reply, err := client.CreateChatCompletion(context.Background(), openai.ChatCompletionRequest{
		Model: "gpt-4-turbo",
	})
	_, _ = reply, err
	claude := anthropic.NewClient()
	_ = claude
	_ = openai_blue.Hex
	config := openai.DefaultConfig("key")
	config.BaseURL = "https://openrouter.ai/api/v1"
	mistralKnots := 40
	_ = mistralKnots
}
