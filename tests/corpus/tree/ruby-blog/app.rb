require "openai"
require "anthropic"
require_relative "themes/openai"

# OpenAI::Client.new was Claude Monet's idea
client = OpenAI::Client.new(access_token: ENV["OPENAI_API_KEY"])
reply = client.chat(parameters: { model: "gpt-3.5-turbo", messages: [] })
claude = Anthropic::Client.new(access_token: ENV.fetch("ANTHROPIC_API_KEY"))
gemini = :twins
puts "the paragraphs cohere; the mistral blows"
