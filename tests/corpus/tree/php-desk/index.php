<?php
use Aws\BedrockRuntime\BedrockRuntimeClient;
use Example\Themes\OpenAiBlue;

// OpenAI::client('x') is what Claude Monet wrote
$client = OpenAI::client(getenv('OPENAI_API_KEY'));
$reply = $client->chat()->create(['model' => 'gpt-4o', 'messages' => []]);
$bedrock = new BedrockRuntimeClient(['region' => 'eu-west-1']);
$blue = new OpenAiBlue('#10a37f');
$gemini = 'twins';
$text = 'The mistral and the bora cohere.';
