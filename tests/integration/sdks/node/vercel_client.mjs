// The Vercel AI SDK through its provider for OpenAI-compatible servers.

import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, Output, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { asked, functions, play } from "./stage.mjs";

const Person = z.object({ name: z.string(), age: z.number().int(), city: z.string() });
const TOOLS = {
  get_weather: tool({
    description: "Get the current weather of a city.",
    inputSchema: z.object({ city: z.string() }),
    execute: functions.get_weather,
  }),
  calculator: tool({
    description: "Evaluate an arithmetic expression.",
    inputSchema: z.object({ expression: z.string() }),
    execute: functions.calculator,
  }),
};
const FINISH = { "tool-calls": "tool_calls" };

function connect(baseURL) {
  const provider = createOpenAICompatible({
    name: "penstock",
    baseURL,
    apiKey: "none",
    includeUsage: true,
    supportsStructuredOutputs: true,
  });
  return { model: provider(asked.model), temperature: 0, maxRetries: 0 };
}

async function chat(fixed) {
  const { text, finishReason } = await generateText({ ...fixed, prompt: asked.hello });
  return { text, finish: finishReason };
}

async function stream(fixed) {
  const answer = streamText({ ...fixed, prompt: asked.hello, onError: raise });
  const pieces = await collected(answer.textStream);
  return { pieces, finish: await answer.finishReason };
}

async function collected(stream) {
  const items = [];
  for await (const item of stream) items.push(item);
  return items;
}

function raise({ error }) {
  throw error;
}

async function tools(fixed) {
  const { steps, text, finishReason } = await generateText({
    ...fixed,
    prompt: asked.weather,
    tools: TOOLS,
    stopWhen: stepCountIs(4),
  });
  return { ...called(steps[0]), text, ends: finishReason };
}

async function stream_tools(fixed) {
  const answer = streamText({
    ...fixed,
    prompt: asked.weather,
    tools: TOOLS,
    stopWhen: stepCountIs(4),
    onError: raise,
  });
  const [first] = await answer.steps;
  return { ...called(first), text: await answer.text, ends: await answer.finishReason };
}

function called({ toolCalls, finishReason, text }) {
  const calls = toolCalls.map(({ toolName, input }) => ({ name: toolName, arguments: input }));
  return { calls, finish: FINISH[finishReason] ?? finishReason, content: text };
}

async function required(fixed) {
  return called(
    await generateText({ ...fixed, prompt: asked.hello, tools: TOOLS, toolChoice: "required" }),
  );
}

async function named(fixed) {
  const toolChoice = { type: "tool", toolName: "calculator" };
  return called(await generateText({ ...fixed, prompt: asked.weather, tools: TOOLS, toolChoice }));
}

async function parallel(fixed) {
  return called(await generateText({ ...fixed, prompt: asked.two_cities, tools: TOOLS }));
}

async function structured(fixed) {
  const { output } = await generateText({
    ...fixed,
    prompt: asked.person,
    output: Output.object({ schema: Person }),
  });
  return { output };
}

async function stream_structured(fixed) {
  const answer = streamText({
    ...fixed,
    prompt: asked.person,
    output: Output.object({ schema: Person }),
    onError: raise,
  });
  const partial = await collected(answer.partialOutputStream);
  return { partial: partial.at(-1), output: await answer.output };
}

await play(connect, {
  chat,
  stream,
  tools,
  stream_tools,
  required,
  named,
  parallel,
  structured,
  stream_structured,
});
