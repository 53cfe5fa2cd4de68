import OpenAI from "openai";
import Anthropic from "@anthropic-ai/sdk";
import { BedrockRuntimeClient, InvokeModelCommand } from "@aws-sdk/client-bedrock-runtime";
import { openai as brush } from "./colours/openai";
import type { Gemini } from "../zodiac/gemini";

// const old = new OpenAI({ baseURL: "https://api.together.xyz/v1" });
const openaiBlue = "#10a37f";
const client = new OpenAI({ apiKey: process.env.OPENAI_API_KEY });
const claude = new Anthropic();
const bedrock = new BedrockRuntimeClient({ region: "eu-west-3" });

export async function ask(question: string) {
  const reply = await client.chat.completions.create({
    model: "gpt-4o",
    messages: [{ role: "user", content: question }],
  });
  return reply.choices[0].message.content;
}

export async function tell(question: string) {
  return claude.messages.create({ model: "claude-3-7-sonnet-latest", max_tokens: 100, messages: [] });
}

export async function minecraft() {
  return fetch("https://bedrock.example-games.net/servers");
}

export const zodiac = (sign: string) => sign === "gemini";
export const cohere = (a: string, b: string) => a + b;
export const winds = ["mistral", "sirocco", "bora"];
