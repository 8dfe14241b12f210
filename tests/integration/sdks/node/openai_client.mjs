// The official OpenAI SDK for Node: plain calls, the streaming helper, runTools and zod schemas.

import OpenAI from "openai";
import { zodFunction, zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import { asked, functions, play } from "./stage.mjs";

const FIXED = { model: asked.model, temperature: 0 };
const Person = z.object({ name: z.string(), age: z.number().int(), city: z.string() });
const user = (content) => ({ role: "user", content });
const TOOLS = [
  tool("get_weather", "Get the current weather of a city.", "city"),
  tool("calculator", "Evaluate an arithmetic expression.", "expression"),
];

function tool(name, description, parameter) {
  const parameters = {
    type: "object",
    properties: { [parameter]: { type: "string" } },
    required: [parameter],
  };
  return { type: "function", function: { name, description, parameters } };
}

function connect(baseURL) {
  return new OpenAI({ baseURL, apiKey: "none", maxRetries: 0 });
}

async function chat(client) {
  const answer = await client.chat.completions.create({
    ...FIXED,
    messages: [user(asked.hello)],
  });
  const [choice] = answer.choices;
  return { text: choice.message.content, finish: choice.finish_reason };
}

async function stream(client) {
  const chunks = await client.chat.completions.create({
    ...FIXED,
    messages: [user(asked.hello)],
    stream: true,
    stream_options: { include_usage: true },
  });
  const pieces = [];
  let finish = null;
  for await (const { choices } of chunks) {
    if (choices[0]?.delta.content) pieces.push(choices[0].delta.content);
    finish = choices[0]?.finish_reason ?? finish;
  }
  return { pieces, finish };
}

async function tools(client) {
  const messages = [user(asked.weather)];
  const first = await client.chat.completions.create({ ...FIXED, messages, tools: TOOLS });
  const { message } = first.choices[0];
  messages.push(message, ...message.tool_calls.map(result));
  const last = await client.chat.completions.create({ ...FIXED, messages, tools: TOOLS });
  const [answer] = last.choices;
  return {
    ...called(first.choices[0]),
    text: answer.message.content,
    ends: answer.finish_reason,
  };
}

function result({ id, function: { name, arguments: text } }) {
  return { role: "tool", tool_call_id: id, content: functions[name](JSON.parse(text)) };
}

function called({ message, finish_reason: finish }) {
  const calls = (message.tool_calls ?? []).map(({ function: call }) => ({
    name: call.name,
    arguments: JSON.parse(call.arguments),
  }));
  return { calls, finish, content: message.content };
}

/** The SDK's own loop, streaming: it puts the deltas together, runs the functions and asks again. */
async function stream_tools(client) {
  const runner = client.chat.completions.runTools({
    ...FIXED,
    messages: [user(asked.weather)],
    stream: true,
    tools: TOOLS.map(({ type, function: described }) => ({
      type,
      function: { ...described, function: functions[described.name], parse: JSON.parse },
    })),
  });
  const text = await runner.finalContent();
  const [first] = runner.allChatCompletions();
  return { ...called(first.choices[0]), text };
}

async function required(client) {
  const answer = await client.chat.completions.create({
    ...FIXED,
    messages: [user(asked.hello)],
    tools: TOOLS,
    tool_choice: "required",
  });
  return called(answer.choices[0]);
}

async function named(client) {
  const answer = await client.chat.completions.create({
    ...FIXED,
    messages: [user(asked.weather)],
    tools: TOOLS,
    tool_choice: { type: "function", function: { name: "calculator" } },
  });
  return called(answer.choices[0]);
}

async function parallel(client) {
  const answer = await client.chat.completions.create({
    ...FIXED,
    messages: [user(asked.two_cities)],
    tools: TOOLS,
  });
  return called(answer.choices[0]);
}

async function structured(client) {
  const answer = await client.chat.completions.parse({
    ...FIXED,
    messages: [user(asked.person)],
    response_format: zodResponseFormat(Person, "person"),
  });
  const loose = await client.chat.completions.create({
    ...FIXED,
    messages: [user(asked.person)],
    response_format: { type: "json_object" },
  });
  return {
    parse: answer.choices[0].message.parsed,
    json_object: JSON.parse(loose.choices[0].message.content),
  };
}

async function stream_structured(client) {
  const events = client.chat.completions.stream({
    ...FIXED,
    messages: [user(asked.person)],
    response_format: zodResponseFormat(Person, "person"),
  });
  const final = await events.finalChatCompletion();
  return { stream: final.choices[0].message.parsed };
}

/** Strict functions: `.parse()` gives their arguments as objects. */
async function parsed_tools(client) {
  const answer = await client.chat.completions.parse({
    ...FIXED,
    messages: [user(asked.weather)],
    tools: [
      zodFunction({
        name: "get_weather",
        description: "Get the current weather of a city.",
        parameters: z.object({ city: z.string() }),
      }),
    ],
    tool_choice: "required",
  });
  const [call] = answer.choices[0].message.tool_calls;
  return { arguments: call.function.parsed_arguments };
}

/** The streaming helper's events over a tool call, with usage at the end. */
async function tool_events(client) {
  const deltas = [];
  let done = null;
  const events = client.chat.completions
    .stream({
      ...FIXED,
      messages: [user(asked.weather)],
      tools: TOOLS,
      stream_options: { include_usage: true },
    })
    .on("tool_calls.function.arguments.delta", (event) => deltas.push(event.arguments_delta))
    .on("tool_calls.function.arguments.done", (event) => (done = event.arguments));
  const final = await events.finalChatCompletion();
  return {
    ...called(final.choices[0]),
    deltas,
    done,
    usage: final.usage.completion_tokens,
  };
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
  parsed_tools,
  tool_events,
});
