// The steps with conditional orders: the same list, with the same methods of a client, as conditional.py.

import { QTY, check, equal, exact, move, near, operate, refused, step, until } from "./told.mjs";

/** Takes a client through all steps with conditional orders. Each places what it needs, and leaves nothing behind. */
export const conditional = async (client) => {
  const resting = async (more = {}) => {
    const terms = { type: "STOP_MARKET", side: "BUY", quantity: QTY, triggerPrice: near((await client.touch())[1], 3), ...more };
    // What is left out is not sent.
    return client.conditional(Object.fromEntries(Object.entries(terms).filter(([, value]) => value !== undefined)));
  };
  const listed = async (order) => (await client.conditionals()).includes(order);
  const flat = () => until(async () => (await client.position()) === 0, "flat after the trigger");

  /** Opens a position; gives the bid before it. */
  const held = async () => {
    const [bid] = await client.touch();
    await client.market("BUY", QTY, false);
    await until(async () => (await client.position()) === QTY, "the position");
    return bid;
  };

  /** Waits until a conditional order has closed the position, and follows it to what it became. */
  const endsFlat = async (order, quantity = QTY) => {
    await flat();
    check(!(await listed(order)), "still among the open conditional orders");
    const [status, child] = await client.conditionalRow(order);
    equal(status, "FINISHED", "status of the conditional order");
    equal((await client.query(child))[0], "FILLED", "status of the order it became");
    const mine = (await client.trades()).filter(([name]) => name === child).reduce((sum, [, qty]) => sum + qty, 0);
    equal(exact(mine), quantity, "its trades");
    return child;
  };

  const protectedBy = async (terms = {}) => {
    const bid = await held();
    return [bid, await resting({ side: "SELL", triggerPrice: near(bid, -1), reduceOnly: true, ...terms })];
  };

  const named = {
    stop: async () => {
      const order = await resting();
      check(await listed(order), `${order} is not among the open conditional orders`);
      equal(await client.openOrders(), [], "ordinary orders");
      await client.cancelConditional(order);
      check(!(await listed(order)), "still listed after the cancel");
    },
    "stop query": async () => {
      // As captured from production, the single query denies a live conditional order; here it may tell.
      await operate("algo", { query_denies_live: false });
      try {
        const order = await resting();
        equal(await client.conditionalRow(order), ["NEW", ""], "a live conditional order");
        await client.cancelConditional(order);
        equal(await client.conditionalRow(order), ["CANCELED", ""], "after the cancel");
      } finally {
        await operate("algo", { query_denies_live: true });
      }
    },
    "stop events": async () => {
      const order = await resting();
      await until(() => client.conditionalTold(order).join() === "NEW", "NEW on the private stream");
      await client.cancelConditional(order);
      await until(() => client.conditionalTold(order).join() === "NEW,CANCELED", "CANCELED on the private stream");
    },
    "stop cancel": async () => {
      const orders = [await resting(), await resting()];
      const open = await client.conditionals();
      check(orders.every((order) => open.includes(order)), `${orders} are not among the open conditional orders`);
      await client.cancelConditionals();
      equal(await client.conditionals(), [], "open conditional orders");
    },
    "stop too late": () => refused(async () => resting({ triggerPrice: near((await client.touch())[0], -3) }), -2021),
    trigger: async () => {
      const [bid, order] = await protectedBy();
      await move(near(bid, -2));
      await endsFlat(order);
    },
    "trigger told": async () => {
      const [bid, order] = await protectedBy();
      await move(near(bid, -2));
      await until(() => client.conditionalTold(order).at(-1) === "FINISHED", "FINISHED on the private stream");
      equal(client.conditionalTold(order), ["NEW", "TRIGGERING", "TRIGGERED", "FINISHED"], "states told");
      const child = await endsFlat(order);
      await until(() => client.heard(child), "the order it became on the private stream");
    },
    "take profit": async () => {
      const bid = await held();
      // By the mark price, and a limit below it: it fills at once at the better price of the book.
      const terms = { type: "TAKE_PROFIT", side: "SELL", triggerPrice: near(bid, 2), price: near(bid, 1), reduceOnly: true };
      const order = await resting({ ...terms, workingType: "MARK_PRICE" });
      await move(near(bid, 3));
      await endsFlat(order);
    },
    trailing: async () => {
      const bid = await held();
      const terms = { type: "TRAILING_STOP_MARKET", side: "SELL", triggerPrice: undefined, callbackRate: 1, reduceOnly: true };
      const order = await resting(terms);
      await move(near(bid, 3));
      check(await listed(order), "a trailing stop does not end by a move in its favour");
      // Above where it began, two percent below where the price has been.
      await move(near(bid, 1));
      await endsFlat(order);
    },
    activation: async () => {
      const [bid] = await client.touch();
      const terms = { side: "SELL", triggerPrice: undefined, callbackRate: 1, activatePrice: near(bid, 2) };
      const order = await resting({ type: "TRAILING_STOP_MARKET", ...terms });
      await until(() => client.conditionalTold(order).join() === "NEW", "NEW on the private stream");
      await move(near(bid, 3));
      await until(() => client.conditionalTold(order).join() === "NEW,NEW", "NEW once more: it follows the price");
      await client.cancelConditional(order);
    },
    "stop dies": async () => {
      // No margin is asked for before the trigger; then there is too little, and nothing but its last state tells.
      const [, ask] = await client.touch();
      const order = await resting({ quantity: 100, triggerPrice: near(ask, 1) });
      await move(near(ask, 2));
      await until(() => client.conditionalTold(order).join() === "NEW,TRIGGERING,REJECTED", "REJECTED on the private stream");
      equal(await client.conditionalRow(order), ["REJECTED", ""], "the conditional order");
      equal(await client.position(), 0, "position");
    },
    "whole leg": async () => {
      const bid = await held();
      const order = await resting({ side: "SELL", triggerPrice: near(bid, -1), quantity: undefined, closePosition: true });
      // What is added afterwards is closed too.
      await client.market("BUY", QTY, false);
      await until(async () => (await client.position()) === 2 * QTY, "the larger position");
      await move(near(bid, -2));
      await endsFlat(order, 2 * QTY);
    },
    orphan: async () => {
      const bid = await held();
      const order = await resting({ side: "SELL", triggerPrice: near(bid, -3), quantity: undefined, closePosition: true });
      await client.market("SELL", QTY, true);
      await flat();
      await until(async () => !(await listed(order)), "the end of an order with nothing left to close");
      equal(await client.conditionalRow(order), ["EXPIRED", ""], "what became of it");
    },
    "stop as order": () => refused(async () => client.stopAsOrder(near((await client.touch())[1], 3)), -4120),
  };
  for (const [name, act] of Object.entries(named)) await step(name, act, client.lacks[name]);
};
