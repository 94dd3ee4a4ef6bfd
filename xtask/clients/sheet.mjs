// The steps every JavaScript client is taken through: the same list as sheet.py.

import { batch } from "./batch.mjs";
import { conditional } from "./conditional.mjs";
import { QTY, SYMBOL, check, equal, exact, issueKey, near, refused, sleep, step, until } from "./told.mjs";
import { wsapi } from "./wsapi.mjs";

const LEVERAGE = 7;

/** Takes a client through all steps; its methods are those of sheet.py, each may be async. Prices and quantities are numbers. */
export const drive = async (client) => {
  const held = {};
  const below = async () => near((await client.touch())[0], -3);
  const run = (name, act) => step(name, act, client.lacks[name]);

  const connected = await run("connect", () => client.connect());
  if (!connected) process.exit(0);
  await run("markets", async () => check((await client.markets()).includes(SYMBOL), `${SYMBOL} is not among the markets`));
  await run("account", async () => check((await client.account()) > 0, "no USDT in the wallet"));
  await run("leverage", async () => equal(Number(await client.leverage(LEVERAGE)), LEVERAGE, "leverage"));
  await run("stream", async () => {
    await client.stream();
    // Few libraries say when their stream is open, so an order that came too early is followed by another.
    await until(async () => {
      const order = await client.limit("BUY", QTY, await below());
      for (const deadline = Date.now() + 1000; !client.heard(order) && Date.now() < deadline; ) await sleep(20);
      await client.cancel(order);
      return client.heard(order);
    }, "an order on the private stream");
  });
  const resting = await run("post-only", async () => {
    held.price = await below();
    held.id = await client.limit("BUY", QTY, held.price);
  });
  if (resting) {
    await run("query", async () => {
      const [status, price] = await client.query(held.id);
      equal(status, "NEW", "status");
      equal(price, held.price, "price");
    });
    await run("open orders", async () => check((await client.openOrders()).includes(held.id), "not among the open orders"));
    await run("modify", async () => {
      const price = exact(held.price - 10);
      await client.modify(held.id, "BUY", QTY, price);
      const [status, now] = await client.query(held.id);
      equal(status, "NEW", "status after the change");
      equal(now, price, "price after the change");
    });
    await run("cancel", async () => {
      await client.cancel(held.id);
      equal((await client.query(held.id))[0], "CANCELED", "status");
      check(!(await client.openOrders()).includes(held.id), "still among the open orders");
    });
  }
  const bought = await run("market buy", async () => {
    held.buy = await client.market("BUY", QTY, false);
    await until(async () => (await client.query(held.buy))[0] === "FILLED", "filled");
  });
  if (bought) {
    await run("trades", async () => {
      const mine = (await client.trades()).filter(([order]) => order === held.buy).reduce((sum, [, qty]) => sum + qty, 0);
      equal(exact(mine), QTY, "sum of its trades");
    });
    await run("position", async () => equal(await client.position(), QTY, "position"));
    await run("close", async () => {
      await client.market("SELL", QTY, true);
      await until(async () => (await client.position()) === 0, "flat");
    });
  }
  await run("bad signature", () => refused(() => client.forged(), -1022));
  await run("precision", () => refused(() => client.tooPrecise(0.0123456), -1111));
  await run("crossing", () => refused(async () => client.limit("BUY", QTY, near((await client.touch())[1], 1)), -5022));
  await run("ed25519", async () => {
    const wallet = await client.signedBy("rest-ed25519", await issueKey("rest-ed25519"));
    check(wallet > 0, "no USDT in the wallet");
  });
  await conditional(client);
  await batch(client);
  await wsapi(client);
  await client.close();
  // What a library leaves open (timers, sockets) must not keep the process.
  process.exit(0);
};
