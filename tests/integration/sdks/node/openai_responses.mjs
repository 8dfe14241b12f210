// The official OpenAI SDK for Node and the Responses API: created, streamed, parsed, polled, with tools, cut short.

import { setTimeout as sleep } from "node:timers/promises";
import OpenAI from "openai";
import { zodResponsesFunction, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import { asked, functions, play } from "./stage.mjs";

const FIXED = { model: asked.model, temperature: 0 };
const POLL_MS = 100;
const Person = z.object({ name: z.string(), age: z.number().int(), city: z.string() });
const TOOLS = [
  tool("get_weather", "Get the current weather of a city.", "city"),
  tool("calculator", "Evaluate an arithmetic expression.", "expression"),
];

function tool(name, description, parameter) {
  const parameters = {
    type: "object",
    properties: { [parameter]: { type: "string" } },
    required: [parameter],
    additionalProperties: false,
  };
  return { type: "function", name, description, parameters, strict: true };
}

function connect(baseURL) {
  return new OpenAI({ baseURL, apiKey: "none", maxRetries: 0 });
}

async function responses_create(client) {
  const response = await client.responses.create({ ...FIXED, input: asked.hello });
  const again = await client.responses.retrieve(response.id);
  const items = await client.responses.inputItems.list(response.id);
  return {
    text: response.output_text,
    status: response.status,
    again: again.output_text,
    input: items.data[0].content[0].text,
  };
}

/** The streaming helper's events, and the whole that it puts together of them. */
async function responses_stream(client) {
  const events = client.responses.stream({ ...FIXED, input: asked.hello });
  const seen = [];
  for await (const event of events) seen.push(event);
  const final = await events.finalResponse();
  return {
    pieces: deltas(seen),
    text: final.output_text,
    numbers: seen.map((event) => event.sequence_number),
    last: seen.at(-1).type,
  };
}

async function responses_parse(client) {
  const asking = {
    ...FIXED,
    input: asked.person,
    text: { format: zodTextFormat(Person, "person") },
  };
  const parsed = await client.responses.parse(asking);
  const streamed = await client.responses.stream(asking).finalResponse();
  return { parse: parsed.output_parsed, stream: streamed.output_parsed };
}

async function responses_poll(client) {
  const begun = await client.responses.create({ ...FIXED, input: asked.hello, background: true });
  let response = begun;
  while (["queued", "in_progress"].includes(response.status)) {
    await sleep(POLL_MS);
    response = await client.responses.retrieve(begun.id);
  }
  const numbers = [];
  const events = client.responses.stream({ response_id: begun.id, starting_after: 2 });
  for await (const event of events) numbers.push(event.sequence_number);
  return {
    first: begun.status,
    status: response.status,
    text: response.output_text,
    numbers,
  };
}

/** The conversation as items, which grow. */
async function responses_tools(client) {
  const input = [{ role: "user", content: asked.weather }];
  const first = await client.responses.create({ ...FIXED, input, tools: TOOLS });
  const last = await client.responses.create({
    ...FIXED,
    input: [...input, ...first.output, ...results(first)],
    tools: TOOLS,
  });
  return { ...called(first), text: last.output_text };
}

/** The conversation as the server keeps it; arguments come parsed. */
async function responses_chain(client) {
  const tools = [
    zodResponsesFunction({
      name: "get_weather",
      description: "Get the current weather of a city.",
      parameters: z.object({ city: z.string() }),
    }),
  ];
  const first = await client.responses.parse({
    ...FIXED,
    input: asked.weather,
    tools,
    tool_choice: "required",
  });
  const last = await client.responses.create({
    ...FIXED,
    input: results(first),
    previous_response_id: first.id,
    tools: TOOLS,
  });
  const parsed = calls(first).map((call) => call.parsed_arguments);
  return { ...called(first), parsed, text: last.output_text };
}

/** A stream that is cut short, and the rest of it. */
async function responses_again(client) {
  const came = [];
  const events = await client.responses.create({ ...FIXED, input: asked.hello, stream: true });
  for await (const event of events) {
    came.push(event);
    if (came.length === 8) break;
  }
  const response_id = came[0].response.id;
  const rest = await afterAWhile(client, response_id, came.at(-1).sequence_number);
  for await (const event of rest) came.push(event);
  const response = await client.responses.retrieve(response_id);
  return {
    pieces: deltas(came),
    numbers: came.map((event) => event.sequence_number),
    text: response.output_text,
  };
}

/** The server needs a moment to notice that nobody listens. */
async function afterAWhile(client, response_id, starting_after) {
  for (let tries = 0; ; tries++) {
    try {
      return await client.responses.retrieve(response_id, { stream: true, starting_after });
    } catch (error) {
      if (tries === 100) throw error;
      await sleep(POLL_MS);
    }
  }
}

const deltas = (events) =>
  events.filter(({ type }) => type === "response.output_text.delta").map(({ delta }) => delta);

const calls = ({ output }) => output.filter(({ type }) => type === "function_call");

function results(response) {
  return calls(response).map((call) => ({
    type: "function_call_output",
    call_id: call.call_id,
    output: functions[call.name](JSON.parse(call.arguments)),
  }));
}

function called(response) {
  return {
    calls: calls(response).map((call) => ({
      name: call.name,
      arguments: JSON.parse(call.arguments),
    })),
  };
}

await play(connect, {
  responses_create,
  responses_stream,
  responses_parse,
  responses_poll,
  responses_tools,
  responses_chain,
  responses_again,
});
