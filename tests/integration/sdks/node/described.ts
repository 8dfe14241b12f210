// What a program in TypeScript writes against the types that openapi-typescript makes of /openapi.json.
import type { components, paths } from "./penstock";

type Json<Operation> = Operation extends { responses: { 200: { content: { "application/json": infer Body } } } } ? Body : never;
type Chat = paths["/v1/chat/completions"]["post"];
type Timeline = components["schemas"]["RequestTimeline"];

export const asked: Chat["requestBody"]["content"]["application/json"] = {
  messages: [{ role: "user", content: "Hi", name: "me" }],
  tools: [{ type: "function", function: { name: "f" } }],
  temperature: null,
};
export const tokens = (answer: Json<Chat>): number => answer.usage.total_tokens;
export const said = (answer: Json<Chat>): string | null => answer.choices[0].message.content;
export const refused = (answer: components["schemas"]["ErrorAnswer"]): string | null => answer.error.param;
export const waited = (timeline: Timeline): number[] =>
  timeline.sequences.flatMap((each) => each.events.filter((e) => e.event === "scheduled").map((e) => e.at_s));
export const models = (list: Json<paths["/v1/models"]["get"]>): string[] => list.data.map((model) => model.id);

// @ts-expect-error a conversation has messages
export const nothing: Chat["requestBody"]["content"]["application/json"] = {};
// @ts-expect-error there is no such event
export const wrong: Timeline["sequences"][number]["events"][number]["event"] = "arrived";
