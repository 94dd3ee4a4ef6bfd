// The steps every JavaScript client is taken through, and how their outcome is told: the same list, and the same lines, as sheet.py.

export const URL = process.env.SIM_URL ?? "http://127.0.0.1:18080";
export const WS = URL.replace("http", "ws");
export const KEY = process.env.SIM_KEY ?? "key";
export const SECRET = process.env.SIM_SECRET ?? "secret";
export const SYMBOL = "BTCUSDT";
export const QTY = 0.01;
const LEVERAGE = 7;

/** The library has no call for this step. */
export class NotOffered extends Error {}

const tell = (step, outcome, why = "") => console.log(JSON.stringify({ step, outcome, why }));

export const told = (error) => {
  if (error instanceof Error) {
    const more = Object.fromEntries(Object.entries(error).filter(([, value]) => ["string", "number"].includes(typeof value)));
    return `${error.name}: ${error.message} ${JSON.stringify(more)}`;
  }
  return JSON.stringify(error);
};

const step = async (name, act) => {
  try {
    await act();
  } catch (error) {
    if (process.env.SIM_TRACE) console.error(error);
    if (error instanceof NotOffered) tell(name, "none", error.message);
    else tell(name, "fail", told(error).slice(0, 600));
    return false;
  }
  tell(name, "pass");
  return true;
};

const check = (condition, what) => {
  if (!condition) throw new Error(what);
};

const equal = (got, want, what) => check(got === want, `${what}: got ${got}, want ${want}`);

const sleep = (ms) => new Promise((wake) => setTimeout(wake, ms));

const until = async (probe, what, seconds = 10) => {
  const deadline = Date.now() + seconds * 1000;
  while (!(await probe())) {
    check(Date.now() < deadline, `${what}: not within ${seconds} s`);
    await sleep(20);
  }
};

const refused = async (act, code) => {
  let answer;
  try {
    answer = await act();
  } catch (error) {
    check(told(error).includes(String(code)), `expected ${code}, got ${told(error)}`);
    return;
  }
  throw new Error(`expected ${code}, but it was accepted: ${JSON.stringify(answer)}`);
};

const grid = (price) => Math.round(price * 10) / 10;

/** Takes a client through all steps; its methods are those of sheet.py, each may be async. Prices and quantities are numbers. */
export const drive = async (client) => {
  const held = {};
  const below = async () => grid((await client.touch())[0] * 0.97);

  const connected = await step("connect", () => client.connect());
  if (!connected) process.exit(0);
  await step("markets", async () => check((await client.markets()).includes(SYMBOL), `${SYMBOL} is not among the markets`));
  await step("account", async () => check((await client.account()) > 0, "no USDT in the wallet"));
  await step("leverage", async () => equal(Number(await client.leverage(LEVERAGE)), LEVERAGE, "leverage"));
  await step("stream", async () => {
    await client.stream();
    // Few libraries say when their stream is open, so an order that came too early is followed by another.
    await until(async () => {
      const order = await client.limit("BUY", QTY, await below());
      for (const deadline = Date.now() + 1000; !client.heard(order) && Date.now() < deadline; ) await sleep(20);
      await client.cancel(order);
      return client.heard(order);
    }, "an order on the private stream");
  });
  const resting = await step("post-only", async () => {
    held.price = await below();
    held.id = await client.limit("BUY", QTY, held.price);
  });
  if (resting) {
    await step("query", async () => {
      const [status, price] = await client.query(held.id);
      equal(status, "NEW", "status");
      equal(price, held.price, "price");
    });
    await step("open orders", async () => check((await client.openOrders()).includes(held.id), "not among the open orders"));
    await step("modify", async () => {
      const price = grid(held.price - 10);
      await client.modify(held.id, "BUY", QTY, price);
      const [status, now] = await client.query(held.id);
      equal(status, "NEW", "status after the change");
      equal(now, price, "price after the change");
    });
    await step("cancel", async () => {
      await client.cancel(held.id);
      equal((await client.query(held.id))[0], "CANCELED", "status");
      check(!(await client.openOrders()).includes(held.id), "still among the open orders");
    });
  }
  const bought = await step("market buy", async () => {
    held.buy = await client.market("BUY", QTY, false);
    await until(async () => (await client.query(held.buy))[0] === "FILLED", "filled");
  });
  if (bought) {
    await step("trades", async () => {
      const mine = (await client.trades()).filter(([order]) => order === held.buy).reduce((sum, [, qty]) => sum + qty, 0);
      equal(Number(mine.toFixed(8)), QTY, "sum of its trades");
    });
    await step("position", async () => equal(await client.position(), QTY, "position"));
    await step("close", async () => {
      await client.market("SELL", QTY, true);
      await until(async () => (await client.position()) === 0, "flat");
    });
  }
  await step("bad signature", () => refused(() => client.forged(), -1022));
  await step("precision", () => refused(() => client.tooPrecise(0.0123456), -1111));
  await step("crossing", () => refused(async () => client.limit("BUY", QTY, grid((await client.touch())[1] * 1.01)), -5022));
  await client.close();
  // What a library leaves open (timers, sockets) must not keep the process.
  process.exit(0);
};
