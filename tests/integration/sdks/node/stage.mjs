// Plays a client's scenes and prints what each saw, a JSON line each. Knows no SDK.
// A client program calls play(connect, {scene, ...}); its first argument is the server's base URL.

import { readFileSync } from "node:fs";
import net from "node:net";
import { inspect } from "node:util";

export const asked = JSON.parse(
  readFileSync(new URL("../questions.json", import.meta.url), "utf8"),
);

export const functions = {
  get_weather: () => asked.weather_report,
  calculator: ({ expression }) => {
    const [left, right] = expression.split("*");
    return String(Number(left) * Number(right));
  },
};

/** Runs each scene with a client of its own; one that fails does not stop the next. */
export async function play(connect, scenes) {
  const elsewhere = stayLocal();
  console.log = console.info = console.error; // standard output is for the lines alone
  for (const [name, scene] of Object.entries(scenes)) {
    print({ scene: name, ...(await seen(() => scene(connect(process.argv[2])))) });
  }
  print({ scene: "network", seen: { elsewhere: [...elsewhere] } });
}

function print(line) {
  process.stdout.write(JSON.stringify(line) + "\n");
}

async function seen(scene) {
  try {
    return { seen: await scene() };
  } catch (error) {
    return { error: inspect(error) };
  }
}

/** From here on, any other host is out of reach; the set names those that were tried. */
function stayLocal() {
  const tried = new Set();
  const connect = net.Socket.prototype.connect;
  net.Socket.prototype.connect = function (...args) {
    const host = hostOf(Array.isArray(args[0]) ? args[0] : args);
    if (!["127.0.0.1", "::1", "localhost"].includes(host)) {
      tried.add(host);
      throw new Error(`${host} is out of bounds`);
    }
    return connect.apply(this, args);
  };
  return tried;
}

function hostOf([target, host]) {
  if (typeof target === "object") return target.host ?? target.path ?? "localhost";
  return typeof host === "string" ? host : "localhost";
}
