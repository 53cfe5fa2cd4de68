import { createOpenAI } from "@ai-sdk/openai";
import { generateText } from "ai";

const ours = createOpenAI({ baseURL: "http://vllm.internal:8000/v1" });
export const replicate = (list, times) => Array(times).fill(list).flat();
