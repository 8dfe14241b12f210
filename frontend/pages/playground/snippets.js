// A request as a command and as a program. Knows languages' quoting, not where the request came from.

const KEY = "OPENAI_API_KEY";

/** For a shell. */
export function curl(url, body, hasKey) {
  const lines = [`curl ${quoted(url)}`, `  -H 'Content-Type: application/json'`];
  if (hasKey) lines.push(`  -H "Authorization: Bearer $${KEY}"`);
  lines.push(`  -d ${quoted(JSON.stringify(body, null, 2))}`);
  return `${lines.join(" \\\n")}\n`;
}

function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** What the OpenAI SDK's `create` takes by name; the rest goes in `extra_body`. */
const NAMED = new Set([
  ...["model", "messages", "temperature", "top_p", "seed", "max_tokens", "stop", "presence_penalty", "frequency_penalty"],
  ...["logprobs", "top_logprobs", "tools", "tool_choice", "response_format", "reasoning_effort"],
]);

/** For Python and the OpenAI SDK. */
export function python(baseUrl, body, hasKey) {
  const entries = Object.entries(body);
  const named = entries.filter(([name]) => NAMED.has(name));
  const extra = Object.fromEntries(entries.filter(([name]) => !NAMED.has(name)));
  if (Object.keys(extra).length) named.push(["extra_body", extra]);
  const key = hasKey ? `os.environ["${KEY}"]` : '"none"';
  return [
    ...(hasKey ? ["import os", ""] : []),
    "from openai import OpenAI",
    "",
    `client = OpenAI(base_url=${literal(baseUrl)}, api_key=${key})`,
    "answer = client.chat.completions.create(",
    ...named.map(([name, value]) => `    ${name}=${literal(value, "    ")},`),
    ")",
    "print(answer.choices[0].message)",
    "",
  ].join("\n");
}

const WORDS = new Map([[null, "None"], [true, "True"], [false, "False"]]);

/** A JSON value as Python writes it. */
export function literal(value, indent = "") {
  if (WORDS.has(value)) return WORDS.get(value);
  if (typeof value !== "object") return JSON.stringify(value);
  const inner = `${indent}    `;
  const isList = Array.isArray(value);
  const items = isList
    ? value.map((item) => literal(item, inner))
    : Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${literal(item, inner)}`);
  const [begin, end] = isList ? "[]" : "{}";
  const line = `${begin}${items.join(", ")}${end}`;
  if (line.length < 72 && !line.includes("\n")) return line;
  return `${begin}\n${items.map((item) => `${inner}${item},\n`).join("")}${indent}${end}`;
}
