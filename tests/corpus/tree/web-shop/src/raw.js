const { Configuration } = require("./configuration");
const { GoogleGenerativeAI } = require("@google/generative-ai");

const gemini = new GoogleGenerativeAI(process.env.GEMINI_API_KEY);
const model = gemini.getGenerativeModel({ model: "gemini-1.5-flash" });

async function direct(body) {
  return fetch("https://api.perplexity.ai/chat/completions", {
    method: "POST",
    headers: { Authorization: `Bearer ${process.env.PERPLEXITY_API_KEY}` },
    body: JSON.stringify({ model: "sonar-pro", ...body }),
  });
}

async function own(body) {
  return fetch("http://127.0.0.1:8080/v1/chat/completions", { method: "POST", body });
}

const monet = { painter: "Claude Monet", style: "claude-impressionism" };
