// The steps with several orders in one request: the same list, with the same methods of a client, as batch.py.

import { QTY, check, equal, exact, near, step } from "./told.mjs";

/** Takes a client through all steps with batches. An outcome is the order's id as text, or the code of its refusal as a number. */
export const batch = async (client) => {
  const prices = async () => {
    const [bid, ask] = await client.touch();
    return [near(bid, -3), near(bid, -4), near(ask, 1)];
  };
  const pair = async () => {
    const [low, lower] = await prices();
    return [await client.limit("BUY", QTY, low), await client.limit("BUY", QTY, lower)];
  };
  const gone = async () => {
    const order = await client.limit("BUY", QTY, (await prices())[0]);
    await client.cancel(order);
    return order;
  };
  const rests = async (order, price) => equal(await client.query(order), ["NEW", price], `order ${order}`);

  const named = {
    "batch place": async () => {
      const [low, lower, crossing] = await prices();
      const told = await client.placeBatch([["BUY", QTY, low], ["BUY", QTY, crossing], ["BUY", QTY, lower]]);
      const [first, last] = told.filter((outcome) => typeof outcome === "string");
      equal(told, [first, -5022, last], "outcomes, the second of an order that would take");
      await rests(first, low);
      await rests(last, lower);
      for (const order of [first, last]) await client.cancel(order);
    },
    "batch modify": async () => {
      const [low, lower] = await prices();
      const [first, last] = await pair();
      const changes = [[first, exact(low - 10)], [await gone(), exact(low - 20)], [last, exact(lower - 10)]];
      const told = await client.modifyBatch(changes.map(([order, price]) => [order, "BUY", QTY, price]));
      equal(told, [first, -2013, last], "outcomes, the second of an order that is gone");
      await rests(...changes[0]);
      await rests(...changes[2]);
      for (const order of [first, last]) await client.cancel(order);
    },
    "batch cancel": async () => {
      const orders = await pair();
      equal(await client.cancelBatch(orders), orders, "outcomes");
      for (const order of orders) equal((await client.query(order))[0], "CANCELED", "status");
    },
    "batch gone": async () => {
      const [first, last] = await pair();
      const told = await client.cancelBatch([first, await gone(), last]);
      equal(told, [first, -2011, last], "outcomes, the second of an order that is gone");
      const open = await client.openOrders();
      check(![first, last].some((order) => open.includes(order)), "still among the open orders");
    },
  };
  for (const [name, act] of Object.entries(named)) await step(name, act, client.lacks[name]);
};
