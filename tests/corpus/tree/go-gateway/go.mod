module example.org/gateway

go 1.22

require (
	github.com/sashabaranov/go-openai v1.32.0
	github.com/anthropics/anthropic-sdk-go v0.2.0-alpha.4
	github.com/aws/aws-sdk-go-v2/service/bedrockruntime v1.20.0
	github.com/aws/aws-sdk-go-v2/service/s3 v1.60.0
	github.com/sandertv/gophertunnel v1.40.0 // minecraft bedrock
	github.com/example/go-openai-colours v1.0.0
	google.golang.org/genai v0.5.0
)
