// What a newcomer may try, each with the settings that it takes. Knows the form's fields by name.

const WEATHER = [
  {
    type: "function",
    function: {
      name: "get_weather",
      description: "Get the current weather of a city.",
      parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    },
  },
];
const PERSON = {
  type: "object",
  properties: { name: { type: "string" }, age: { type: "integer" }, city: { type: "string" } },
  required: ["name", "age", "city"],
  additionalProperties: false,
};

export const TOOLS = JSON.stringify(WEATHER, null, 2);
export const SCHEMA = JSON.stringify(PERSON, null, 2);

/** What the fields that examples set hold otherwise. */
export const USUAL = { logprobs: false, tools: "", response_format: "" };

export const EXAMPLES = [
  { words: "Say hello", prompt: "Hello! Who are you?", set: {} },
  { words: "See how sure it is", prompt: "Tell me a short story.", set: { logprobs: true }, opens: "probabilities" },
  { words: "Call a function", prompt: "What is the weather in Paris?", set: { tools: TOOLS }, opens: "tools-group" },
  {
    words: "Answer in JSON",
    prompt: "Give me JSON with the keys name, age, city: This is Mara. Age: 30. Home is Paris.",
    set: { response_format: SCHEMA },
    opens: "schema-group",
  },
];
