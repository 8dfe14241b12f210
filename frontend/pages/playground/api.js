// Speaks to the server that this page came from. Knows HTTP and keys, not what is asked.

import { events } from "./sse.js";

const ROOT = new URL("../", import.meta.url);

/** The address of an endpoint, under whatever prefix the page was served. */
export function address(path) {
  return new URL(path, ROOT).href;
}

/** What the server answered instead: its own words, and the status. */
export class ServerError extends Error {
  constructor(status, { message, type } = {}) {
    super(message ?? `The server answered with status ${status}.`);
    this.status = status;
    this.type = type ?? "";
  }
}

export class Api {
  #keys;

  constructor(keys) {
    this.#keys = keys;
  }

  /** GET; `asks` tells whether the user may be asked for a key. */
  async get(path, { asks = true } = {}) {
    const response = await this.#send(path, {}, asks);
    return response.json();
  }

  /** POST of a streamed request: yields its chunks. An error in mid-stream is raised as any other. */
  async *stream(path, body, signal) {
    const headers = { "Content-Type": "application/json" };
    const request = { method: "POST", headers, body: JSON.stringify(body), signal };
    const response = await this.#send(path, request, true);
    try {
      for await (const data of events(response.body)) yield chunkOf(JSON.parse(data));
    } catch (error) {
      throw named(error, "The connection broke before the answer was whole.");
    }
  }

  async #send(path, request, asks) {
    const used = this.#keys.key;
    const headers = { ...request.headers };
    if (used) headers.Authorization = `Bearer ${used}`;
    const response = await fetch(address(path), { ...request, headers }).catch((error) => {
      throw named(error, "The server cannot be reached.");
    });
    if (response.ok) return response;
    const error = new ServerError(response.status, await errorOf(response));
    if (response.status !== 401 || !asks) throw error;
    if (this.#keys.key === used && !(await this.#keys.ask(error.message))) throw error;
    return this.#send(path, request, asks);
  }
}

function chunkOf(chunk) {
  if (chunk.error) throw new ServerError(chunk.error.code, chunk.error);
  return chunk;
}

/** Browsers call all that befalls a connection a TypeError, each in other words. */
function named(error, message) {
  return error instanceof TypeError ? new ServerError(0, { message }) : error;
}

/** The error object of an answer; a proxy's own page has none. */
async function errorOf(response) {
  try {
    return (await response.json()).error;
  } catch {
    return undefined;
  }
}
