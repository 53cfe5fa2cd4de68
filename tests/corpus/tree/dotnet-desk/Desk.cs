using System;
using Azure.AI.OpenAI;
using OpenAI.Chat;
using Anthropic.SDK;
using Desk.Themes.OpenAiBlue;

namespace Desk;

// A new AzureOpenAIClient was here: https://old.openai.azure.com
public class Helper
{
    private const string Gemini = "twins";

    public void Run()
    {
        var azure = new AzureOpenAIClient(new Uri("https://desk-eu.openai.azure.com"), null);
        var chat = new ChatClient(model: "gpt-4o", apiKey: Environment.GetEnvironmentVariable("OPENAI_API_KEY"));
        var reply = chat.CompleteChat("hello");
        var claude = new AnthropicClient();
        var theme = new OpenAiBlue();
        Console.WriteLine("The mistral blows, the words cohere, " + Gemini);
    }
}
