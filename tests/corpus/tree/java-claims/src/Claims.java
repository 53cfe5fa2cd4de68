package org.example.claims;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import dev.langchain4j.model.anthropic.AnthropicChatModel;
import software.amazon.awssdk.services.bedrockruntime.BedrockRuntimeClient;
import org.example.openai.theme.OpenAiBlue;
import org.example.zodiac.Gemini;

/** Claude Monet's claims, judged by claude-3-opus in an earlier life. */
class Claims {
    private final OpenAIClient client = OpenAIOkHttpClient.fromEnv();
    private final BedrockRuntimeClient bedrock = BedrockRuntimeClient.create();
    private final AnthropicChatModel claude = AnthropicChatModel.builder()
            .apiKey(System.getenv("ANTHROPIC_API_KEY"))
            .modelName("claude-3-5-sonnet-20241022")
            .build();
    private final Gemini sign = Gemini.TWINS;
    private final OpenAiBlue blue = new OpenAiBlue("#10a37f");

    boolean cohere(String left, String right) {
        return left.equals(right);
    }

    String wind() {
        return "mistral";
    }
}
