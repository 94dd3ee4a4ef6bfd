// How the outcome of a step is told (one JSON line a step), and what every script shares: the same as told.py.

import { generateKeyPairSync } from "node:crypto";

export const URL = process.env.SIM_URL ?? "http://127.0.0.1:18080";
export const WS = URL.replace("http", "ws");
export const KEY = process.env.SIM_KEY ?? "key";
export const SECRET = process.env.SIM_SECRET ?? "secret";
export const SYMBOL = "BTCUSDT";
export const QTY = 0.01;

const tell = (step, outcome, why = "") => console.log(JSON.stringify({ step, outcome, why }));

export const told = (error) => {
  if (error instanceof Error) {
    const more = Object.fromEntries(Object.entries(error).filter(([, value]) => ["string", "number"].includes(typeof value)));
    return `${error.name}: ${error.message} ${JSON.stringify(more)}`;
  }
  return JSON.stringify(error);
};

/** Runs one step; true when it passed. A client that lacks what the step needs is not asked. */
export const step = async (name, act, lacks) => {
  if (lacks) {
    tell(name, "none", lacks);
    return false;
  }
  try {
    await act();
  } catch (error) {
    if (process.env.SIM_TRACE) console.error(error);
    tell(name, "fail", told(error).slice(0, 600));
    return false;
  }
  tell(name, "pass");
  return true;
};

export const check = (condition, what) => {
  if (!condition) throw new Error(what);
};

export const equal = (got, want, what) => {
  const [mine, yours] = [JSON.stringify(got), JSON.stringify(want)];
  check(mine === yours, `${what}: got ${mine}, want ${yours}`);
};

export const sleep = (ms) => new Promise((wake) => setTimeout(wake, ms));

/** Waits for something that arrives on its own. Longer from time to time: a probe may be a request, and those have a limit. */
export const until = async (probe, what, seconds = 10) => {
  const deadline = Date.now() + seconds * 1000;
  for (let pause = 20; !(await probe()); pause = Math.min(pause * 1.5, 500)) {
    check(Date.now() < deadline, `${what}: not within ${seconds} s`);
    await sleep(pause);
  }
};

/** Passes when the library throws, and what it throws names the venue's code. */
export const refused = async (act, code) => {
  let answer;
  try {
    answer = await act();
  } catch (error) {
    check(told(error).includes(String(code)), `expected ${code}, got ${told(error)}`);
    return;
  }
  throw new Error(`expected ${code}, but it was accepted: ${JSON.stringify(answer)}`);
};

/** A price on the grid, that many percent away. */
export const near = (price, percent) => Math.round(price * (1 + percent / 100) * 10) / 10;

/** A difference of numbers without the dust of binary fractions. */
export const exact = (number) => Number(number.toFixed(8));

/** Asks the simulator's operator, past the client, for what happens at an exchange that no client asks for. */
export const operate = async (door, body) => {
  const more = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const answer = await fetch(`${URL}/sim/${door}`, more);
  if (!answer.ok) throw new Error(`operator: ${await answer.text()}`);
  return answer.json();
};

/** Has the operator issue the account a key of the other kind, Ed25519; gives its private half as PEM. */
export const issueKey = async (name) => {
  const pair = generateKeyPairSync("ed25519", {
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  await operate("key", { key: name, public_key: pair.publicKey, account_of: KEY });
  return pair.privateKey;
};

/** Moves the market, and waits until it has traded there. */
export const move = async (price) => {
  await operate("price", { symbol: SYMBOL, price: String(price) });
  const traded = async () => {
    const row = (await operate("state")).symbols.find((row) => row.symbol === SYMBOL);
    return Math.abs(Number(row.last) / price - 1) < 0.002;
  };
  await until(traded, `a trade near ${price}`);
};
